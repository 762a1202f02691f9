// What a client must not send: each rule, its close code, and that nothing is read after it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "protocol/websocket/message_reader.h"
#include "tests/protocol/websocket/reader_events.h"
#include "tests/support/client_frame.h"

namespace sockhook::websocket {
namespace {

using namespace std::string_literals;
using testing::client_frame;
using ::testing::ElementsAre;
using testing::FrameBits;
using ::testing::IsEmpty;

constexpr FrameBits kUnfinished = {.fin = false};

std::string header_only(Opcode opcode, uint64_t announced, bool fin = true) {
  return client_frame(opcode, "", {.fin = fin, .announced = announced});
}

TEST(MessageReader, FramesWithoutMaskAre1002) {
  for (const Opcode opcode : {Opcode::kText, Opcode::kBinary, Opcode::kPing, Opcode::kClose}) {
    EXPECT_THAT(read_events(client_frame(opcode, "", {.masked = false})),
                ElementsAre(violation(1002, "frame without mask")));
  }
}

TEST(MessageReader, ReservedBitsAre1002) {
  for (uint8_t rsv = 1; rsv <= 7; ++rsv) {
    for (const Opcode opcode : {Opcode::kText, Opcode::kBinary, Opcode::kPing, Opcode::kClose}) {
      EXPECT_THAT(read_events(client_frame(opcode, "x", {.rsv = rsv})),
                  ElementsAre(violation(1002, "reserved bit set")));
    }
  }
}

TEST(MessageReader, ReservedOpcodesAre1002) {
  constexpr uint8_t kReserved[] = {0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF};
  for (const uint8_t opcode : kReserved) {
    EXPECT_THAT(read_events(client_frame(opcode, "x")),
                ElementsAre(violation(1002, "reserved opcode")));
  }
}

TEST(MessageReader, ControlFramesOfMoreThan125BytesAre1002) {
  for (const Opcode opcode : {Opcode::kPing, Opcode::kPong, Opcode::kClose}) {
    EXPECT_THAT(read_events(client_frame(opcode, std::string(126, 'x'))),
                ElementsAre(violation(1002, "malformed frame")));
  }
}

TEST(MessageReader, FragmentedControlFramesAre1002) {
  for (const Opcode opcode : {Opcode::kPing, Opcode::kPong, Opcode::kClose}) {
    EXPECT_THAT(read_events(client_frame(opcode, "x", kUnfinished)),
                ElementsAre(violation(1002, "malformed frame")));
  }
}

TEST(MessageReader, LengthsThatAreNotTheShortestAre1002) {
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "x", {.length_bytes = 2})),
              ElementsAre(violation(1002, "malformed frame")));
  EXPECT_THAT(read_events(client_frame(Opcode::kText, std::string(300, 'x'), {.length_bytes = 8})),
              ElementsAre(violation(1002, "malformed frame")));
}

TEST(MessageReader, ALengthOf64BitsIs1002) {
  EXPECT_THAT(read_events(header_only(Opcode::kText, 1ULL << 63)),
              ElementsAre(violation(1002, "malformed frame")));
}

TEST(MessageReader, AContinuationOfNothingIs1002) {
  EXPECT_THAT(read_events(client_frame(Opcode::kContinuation, "x")),
              ElementsAre(violation(1002, "continuation of no message")));
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "done") +
                          client_frame(Opcode::kContinuation, "x", kUnfinished)),
              ElementsAre(text("done"), violation(1002, "continuation of no message")));
}

TEST(MessageReader, AMessageInsideAMessageIs1002) {
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "half", kUnfinished) +
                          client_frame(Opcode::kText, "other")),
              ElementsAre(violation(1002, "message inside a message")));
}

TEST(MessageReader, MessagesBeforeAViolationAreDeliveredAndNothingAfterIt) {
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "first") + client_frame(0x3, "x") +
                          client_frame(Opcode::kText, "late") + client_frame(0x3, "x")),
              ElementsAre(text("first"), violation(1002, "reserved opcode")));
}

TEST(MessageReader, BinaryMessagesAre1003WhereTheyAreNotAccepted) {
  const ReaderLimits limits = {.binary = false};
  EXPECT_THAT(read_events(header_only(Opcode::kBinary, 5), limits),
              ElementsAre(violation(1003, "binary messages are not accepted")));
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "text"), limits), ElementsAre(text("text")));
}

TEST(MessageReader, TextThatIsNotUtf8Is1007) {
  for (const std::string& bad :
       {"\x80"s, "\xC0\xAF"s, "\xED\xA0\x80"s, "\xF4\x90\x80\x80"s, "cut \xE2\x82"s}) {
    EXPECT_THAT(read_events(client_frame(Opcode::kText, bad)),
                ElementsAre(violation(1007, "invalid UTF-8")));
    EXPECT_THAT(read_events(client_frame(Opcode::kText, "fine ", kUnfinished) +
                            client_frame(Opcode::kContinuation, bad)),
                ElementsAre(violation(1007, "invalid UTF-8")));
  }
}

TEST(MessageReader, InvalidTextFailsBeforeItsMessageIsComplete) {
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "\xF4", kUnfinished)), IsEmpty());
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "\xF4", kUnfinished) +
                          client_frame(Opcode::kContinuation, "\x90", kUnfinished)),
              ElementsAre(violation(1007, "invalid UTF-8")));
  // In the middle of a frame.
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "\xC0", {.announced = 100})),
              ElementsAre(violation(1007, "invalid UTF-8")));
  // And before a ping that came behind it.
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "\xC0", kUnfinished) +
                          client_frame(Opcode::kPing, "")),
              ElementsAre(violation(1007, "invalid UTF-8")));
}

TEST(MessageReader, AFrameOverTheLimitIs1009FromItsHeaderAlone) {
  const ReaderLimits limits = {.message_size = 1000, .frame_size = 100};
  EXPECT_THAT(read_events(client_frame(Opcode::kText, std::string(100, 'x')), limits),
              ElementsAre(text(std::string(100, 'x'))));
  EXPECT_THAT(read_events(header_only(Opcode::kText, 101), limits),
              ElementsAre(violation(1009, "frame too large")));
}

TEST(MessageReader, AMessageOverTheLimitIs1009FromItsHeaderAlone) {
  const ReaderLimits limits = {.message_size = 1000};
  const std::string thousand(1000, 'x');
  EXPECT_THAT(read_events(client_frame(Opcode::kText, thousand), limits),
              ElementsAre(text(thousand)));
  EXPECT_THAT(read_events(header_only(Opcode::kText, 1001), limits),
              ElementsAre(violation(1009, "message too large")));
  EXPECT_THAT(read_events(header_only(Opcode::kBinary, (1ULL << 63) - 1), limits),
              ElementsAre(violation(1009, "message too large")));
}

TEST(MessageReader, FragmentsOverTheLimitTogetherAre1009) {
  const ReaderLimits limits = {.message_size = 10};
  const std::string half = client_frame(Opcode::kText, "12345", kUnfinished);
  EXPECT_THAT(read_events(half + client_frame(Opcode::kContinuation, "67890"), limits),
              ElementsAre(text("1234567890")));
  EXPECT_THAT(read_events(half + header_only(Opcode::kContinuation, 6), limits),
              ElementsAre(violation(1009, "message too large")));
  EXPECT_THAT(read_events(half + header_only(Opcode::kContinuation, (1ULL << 63) - 1), limits),
              ElementsAre(violation(1009, "message too large")));
}

TEST(MessageReader, TooManyFragmentsAre1008) {
  const ReaderLimits limits = {.fragments = 3};
  const std::string two = client_frame(Opcode::kText, "", kUnfinished) +
                          client_frame(Opcode::kContinuation, "", kUnfinished);
  EXPECT_THAT(read_events(two + client_frame(Opcode::kPing, "") +  // no fragment
                              client_frame(Opcode::kContinuation, "end"),
                          limits),
              ElementsAre(ping(""), text("end")));
  EXPECT_THAT(read_events(two + client_frame(Opcode::kContinuation, "", kUnfinished) +
                              header_only(Opcode::kContinuation, 5),
                          limits),
              ElementsAre(violation(1008, "too many fragments")));
}

TEST(MessageReader, AnEmptyLastFrameIsNoFragmentTooMany) {
  const ReaderLimits limits = {.fragments = 2};
  const std::string two = client_frame(Opcode::kText, "a", kUnfinished) +
                          client_frame(Opcode::kContinuation, "b", kUnfinished);
  EXPECT_THAT(read_events(two + client_frame(Opcode::kContinuation, ""), limits),
              ElementsAre(text("ab")));
  EXPECT_THAT(read_events(two + client_frame(Opcode::kContinuation, "", kUnfinished), limits),
              ElementsAre(violation(1008, "too many fragments")));
}

TEST(MessageReader, ACloseOfOneByteIs1002) {
  EXPECT_THAT(read_events(client_frame(Opcode::kClose, "\x03")),
              ElementsAre(violation(1002, "half a close code")));
}

TEST(MessageReader, ACloseCodeThatMayNotBeSentIs1002) {
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    const std::string body = {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
    EXPECT_THAT(read_events(client_frame(Opcode::kClose, body)),
                ElementsAre(violation(1002, "invalid close code")));
  }
}

TEST(MessageReader, ACloseReasonThatIsNotUtf8Is1007) {
  EXPECT_THAT(read_events(client_frame(Opcode::kClose,
                                       "\x03\xE8"
                                       "bad \xE2\x82")),
              ElementsAre(violation(1007, "invalid UTF-8 in the close reason")));
}

TEST(MessageReader, GarbageEndsInOneViolationHoweverItIsCut) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    // Garbage from the first byte on, or behind frames that were right.
    std::string bytes;
    for (int i = round % 3; i > 0; --i) bytes += client_frame(Opcode::kText, "fine");
    for (int i = 0; i < 2000; ++i) bytes.push_back(static_cast<char>(random()));
    const std::vector<Event> events = read_events(bytes, {.message_size = 1000});
    ASSERT_FALSE(events.empty());
    for (std::size_t i = 0; i < events.size(); ++i) {
      const bool is_final =
          events[i].kind == Incoming::Kind::kViolation || events[i].kind == Incoming::Kind::kClose;
      EXPECT_EQ(is_final, i + 1 == events.size());
    }
  }
}

}  // namespace
}  // namespace sockhook::websocket
