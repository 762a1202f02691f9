// Compressed messages in the MessageReader: RSV1, fragments, limits, text.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "protocol/websocket/close_code.h"
#include "protocol/websocket/deflater.h"
#include "protocol/websocket/message_reader.h"
#include "tests/protocol/websocket/reader_events.h"
#include "tests/support/client_frame.h"

namespace sockhook::websocket {
namespace {

using testing::client_frame;
using ::testing::ElementsAre;
using testing::FrameBits;

constexpr FrameBits kCompressed = {.rsv = kRsv1};
constexpr FrameBits kFirst = {.fin = false, .rsv = kRsv1};
constexpr FrameBits kMiddle = {.fin = false};

class MessageReaderDeflate : public ::testing::Test {
 protected:
  MessageReaderDeflate() { limits.inflater = &inflater; }

  Inflater inflater{15, false};
  Deflater deflater{15, 3, false};
  ReaderLimits limits;
};

TEST_F(MessageReaderDeflate, ReadsCompressedAndPlainMessages) {
  const std::string bytes =
      client_frame(Opcode::kText, deflater.deflate("Hello"), kCompressed) +
      client_frame(Opcode::kText, "plain") +
      client_frame(Opcode::kBinary, deflater.deflate("\xff\xfe"), kCompressed);
  EXPECT_THAT(read_events(bytes, limits),
              ElementsAre(text("Hello"), text("plain"), binary("\xff\xfe")));
}

TEST_F(MessageReaderDeflate, JoinsFragmentsAndLetsControlFramesBetween) {
  const std::string message(1000, 'x');
  const std::string compressed = deflater.deflate(message + "end");
  const std::string bytes = client_frame(Opcode::kText, compressed.substr(0, 3), kFirst) +
                            client_frame(Opcode::kPing, "p") +
                            client_frame(Opcode::kContinuation, compressed.substr(3, 2), kMiddle) +
                            client_frame(Opcode::kContinuation, compressed.substr(5));
  EXPECT_THAT(read_events(bytes, limits), ElementsAre(ping("p"), text(message + "end")));
}

TEST_F(MessageReaderDeflate, ReservedBitsAreForTheFirstDataFrameOnly) {
  const auto refused = [&](const std::string& bytes) {
    EXPECT_THAT(read_events(bytes, limits),
                ElementsAre(violation(close_code::kProtocolError, "reserved bit set")));
  };
  refused(client_frame(Opcode::kText, "x", {.rsv = 2}));
  refused(client_frame(Opcode::kText, "x", {.rsv = 5}));
  refused(client_frame(Opcode::kPing, "x", kCompressed));
  refused(client_frame(Opcode::kText, "x", kFirst) +
          client_frame(Opcode::kContinuation, "x", kCompressed));
}

TEST_F(MessageReaderDeflate, WithoutAgreementRsv1IsAViolation) {
  limits.inflater = nullptr;
  EXPECT_THAT(read_events(client_frame(Opcode::kText, deflater.deflate("x"), kCompressed), limits),
              ElementsAre(violation(close_code::kProtocolError, "reserved bit set")));
}

TEST_F(MessageReaderDeflate, TheInflatedMessageIsHeldAgainstTheLimit) {
  limits.message_size = 1000;
  const std::string fits(1000, 'x');
  EXPECT_THAT(read_events(client_frame(Opcode::kText, deflater.deflate(fits), kCompressed), limits),
              ElementsAre(text(fits)));
  const std::string over(1001, 'x');
  EXPECT_THAT(read_events(client_frame(Opcode::kText, deflater.deflate(over), kCompressed), limits),
              ElementsAre(violation(close_code::kMessageTooBig, "message too large")));
}

TEST_F(MessageReaderDeflate, InflatedTextMustBeUtf8) {
  EXPECT_THAT(
      read_events(client_frame(Opcode::kText, deflater.deflate("a\xff"), kCompressed), limits),
      ElementsAre(violation(close_code::kInvalidPayload, "invalid UTF-8")));
}

TEST_F(MessageReaderDeflate, BrokenDataIsInvalid) {
  EXPECT_THAT(read_events(client_frame(Opcode::kText, "\xff\xff\xff\xff", kCompressed), limits),
              ElementsAre(violation(close_code::kInvalidPayload, "invalid compressed data")));
}

}  // namespace
}  // namespace sockhook::websocket
