// What a correct client sends, and what the reader makes of it.

#include "protocol/websocket/message_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/protocol/websocket/reader_events.h"
#include "tests/support/client_frame.h"

namespace sockhook::websocket {
namespace {

using testing::client_frame;
using ::testing::ElementsAre;
using testing::FrameBits;
using ::testing::IsEmpty;

constexpr FrameBits kUnfinished = {.fin = false};

TEST(MessageReader, ReadsAMessageOfEachLengthEncoding) {
  for (const std::size_t size : {0, 1, 125, 126, 127, 4095, 4096, 4097, 0xFFFF, 0x10000, 300'000}) {
    const std::string payload(size, 'x');
    EXPECT_THAT(read_events(client_frame(Opcode::kText, payload)), ElementsAre(text(payload)));
    EXPECT_THAT(read_events(client_frame(Opcode::kBinary, payload)), ElementsAre(binary(payload)));
  }
}

TEST(MessageReader, ReadsAnyBytesInABinaryMessage) {
  std::string payload;
  for (int i = 0; i < 1000; ++i) payload.push_back(static_cast<char>(i));
  EXPECT_THAT(read_events(client_frame(Opcode::kBinary, payload)), ElementsAre(binary(payload)));
}

TEST(MessageReader, ReadsManyMessagesOfOneReadInOrder) {
  std::string bytes;
  std::vector<Event> expected;
  for (int i = 0; i < 100; ++i) {
    const std::string payload = "message " + std::to_string(i);
    bytes += client_frame(Opcode::kText, payload);
    expected.push_back(text(payload));
  }
  EXPECT_EQ(read_events(bytes), expected);
}

TEST(MessageReader, StopsAfterEachEventSoThatTheRestMayWait) {
  DecoderPool pool;
  MessageReader reader(pool);
  const std::string bytes = client_frame(Opcode::kText, "one") + client_frame(Opcode::kText, "two");
  std::string_view input = bytes;
  EXPECT_EQ(reader.next(&input, {}).payload, "one");
  EXPECT_EQ(input, client_frame(Opcode::kText, "two"));
}

TEST(MessageReader, StopsAfterManyFragmentsSoThatTheRestMayWait) {
  DecoderPool pool;
  MessageReader reader(pool);
  std::string bytes = client_frame(Opcode::kText, "a", kUnfinished);
  for (int i = 0; i < 2 * MessageReader::kFramesAtOnce; ++i) {
    bytes += client_frame(Opcode::kContinuation, "b", kUnfinished);
  }
  bytes += client_frame(Opcode::kContinuation, "c");
  std::string_view input = bytes;
  int calls = 0;
  Incoming incoming;
  for (; !input.empty(); ++calls) incoming = reader.next(&input, {});
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(incoming.payload, "a" + std::string(2 * MessageReader::kFramesAtOnce, 'b') + "c");
}

TEST(MessageReader, JoinsFragments) {
  const std::string bytes = client_frame(Opcode::kText, "Hel", kUnfinished) +
                            client_frame(Opcode::kContinuation, "", kUnfinished) +
                            client_frame(Opcode::kContinuation, "lo") +
                            client_frame(Opcode::kBinary, "", kUnfinished) +
                            client_frame(Opcode::kContinuation, "");
  EXPECT_THAT(read_events(bytes), ElementsAre(text("Hello"), binary("")));
}

TEST(MessageReader, DeliversControlFramesBetweenFragmentsAtOnce) {
  const std::string bytes =
      client_frame(Opcode::kText, "Hel", kUnfinished) + client_frame(Opcode::kPing, "alive?") +
      client_frame(Opcode::kContinuation, "l", kUnfinished) + client_frame(Opcode::kPong, "") +
      client_frame(Opcode::kContinuation, "o");
  EXPECT_THAT(read_events(bytes), ElementsAre(ping("alive?"), pong(""), text("Hello")));
}

TEST(MessageReader, ReadsPingsAndPongsOf125Bytes) {
  const std::string payload(125, '\xFE');
  EXPECT_THAT(
      read_events(client_frame(Opcode::kPing, payload) + client_frame(Opcode::kPong, payload)),
      ElementsAre(ping(payload), pong(payload)));
}

TEST(MessageReader, ACharacterMayBeCutByFragments) {
  std::string bytes;
  const std::string smile = "🙂";
  for (std::size_t i = 0; i < smile.size(); ++i) {
    FrameBits bits;
    bits.fin = i + 1 == smile.size();
    bytes += client_frame(i == 0 ? Opcode::kText : Opcode::kContinuation, smile.substr(i, 1), bits);
  }
  EXPECT_THAT(read_events(bytes), ElementsAre(text(smile)));
}

TEST(MessageReader, ACloseHasACodeAndAReason) {
  EXPECT_THAT(read_events(client_frame(Opcode::kClose, "\x03\xE8")), ElementsAre(close(1000, "")));
  EXPECT_THAT(read_events(client_frame(Opcode::kClose,
                                       "\x0F\xA1"
                                       "bye 🙂")),
              ElementsAre(close(4001, "bye 🙂")));
}

TEST(MessageReader, ACloseWithoutABodyIs1005) {
  EXPECT_THAT(read_events(client_frame(Opcode::kClose, "")), ElementsAre(close(1005, "")));
}

TEST(MessageReader, NothingIsReadAfterAClose) {
  const std::string bytes = client_frame(Opcode::kClose, "\x03\xE8") +
                            client_frame(Opcode::kText, "late") + client_frame(Opcode::kClose, "x");
  EXPECT_THAT(read_events(bytes), ElementsAre(close(1000, "")));
}

TEST(MessageReader, ACloseInTheMiddleOfAMessageEndsIt) {
  const std::string bytes = client_frame(Opcode::kText, "half", kUnfinished) +
                            client_frame(Opcode::kClose, "\x03\xE8") +
                            client_frame(Opcode::kContinuation, "rest");
  EXPECT_THAT(read_events(bytes), ElementsAre(close(1000, "")));
}

TEST(MessageReader, AnUnfinishedMessageIsNoEvent) {
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "half", kUnfinished)), IsEmpty());
}

TEST(MessageReader, ReadersOfOnePoolDoNotDisturbEachOther) {
  constexpr std::size_t kReaders = 20;
  std::mt19937 random(7);
  DecoderPool pool;
  std::vector<std::unique_ptr<MessageReader>> readers;
  std::vector<std::string> bytes(kReaders);
  std::vector<std::vector<Event>> expected(kReaders), got(kReaders);
  for (std::size_t r = 0; r < kReaders; ++r) {
    readers.push_back(std::make_unique<MessageReader>(pool));
    for (int m = 0; m < 50; ++m) {
      const std::string payload(random() % 6000, static_cast<char>('a' + r));
      const std::size_t cut = random() % (payload.size() + 1);
      bytes[r] += client_frame(Opcode::kText, payload.substr(0, cut), kUnfinished) +
                  client_frame(Opcode::kPing, std::to_string(r)) +
                  client_frame(Opcode::kContinuation, payload.substr(cut));
      expected[r].push_back(ping(std::to_string(r)));
      expected[r].push_back(text(payload));
    }
  }
  for (bool more = true; more;) {
    more = false;
    for (std::size_t r = 0; r < kReaders; ++r) {
      const std::size_t size = std::min<std::size_t>(bytes[r].size(), 1 + random() % 5000);
      read_piece(*readers[r], bytes[r].substr(0, size), {}, got[r]);
      bytes[r].erase(0, size);
      more = more || !bytes[r].empty();
    }
  }
  EXPECT_EQ(got, expected);
  EXPECT_EQ(pool.borrowed(), 0U);
}

}  // namespace
}  // namespace sockhook::websocket
