#include "protocol/websocket/frame_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/client_frame.h"

namespace sockhook::websocket {
namespace {

using Step = FrameDecoder::Step;
using testing::client_frame;
using testing::FrameBits;

TEST(FrameDecoder, TakesOneFrameAndNotAByteOfTheNext) {
  FrameDecoder decoder;
  const std::string bytes =
      client_frame(Opcode::kText, "one") + client_frame(Opcode::kBinary, "two");
  std::string_view input = bytes;
  ASSERT_EQ(decoder.read(&input), Step::kHeader);
  EXPECT_EQ(decoder.header().opcode, Opcode::kText);
  EXPECT_EQ(decoder.header().payload_size, 3U);
  EXPECT_TRUE(decoder.header().fin);
  EXPECT_TRUE(decoder.header().masked);
  ASSERT_EQ(decoder.read(&input), Step::kPayload);
  EXPECT_EQ(decoder.payload(), "one");
  EXPECT_TRUE(decoder.is_between_frames());
  EXPECT_EQ(input.size(), bytes.size() / 2);
}

TEST(FrameDecoder, ShowsAHeaderBeforeAnyPayloadHasCome) {
  FrameDecoder decoder;
  FrameBits bits;
  bits.announced = (1ULL << 63) - 1;
  const std::string bytes = client_frame(Opcode::kBinary, "", bits);
  std::string_view input = bytes;
  ASSERT_EQ(decoder.read(&input), Step::kHeader);
  EXPECT_EQ(decoder.header().payload_size, (1ULL << 63) - 1);
  EXPECT_EQ(decoder.read(&input), Step::kNeedMore);
  EXPECT_FALSE(decoder.is_between_frames());
}

TEST(FrameDecoder, ShowsTheBitsOfAHeader) {
  FrameDecoder decoder;
  FrameBits bits;
  bits.fin = false;
  bits.masked = false;
  bits.rsv = 5;
  const std::string bytes = client_frame(Opcode::kContinuation, "abc", bits);
  std::string_view input = bytes;
  ASSERT_EQ(decoder.read(&input), Step::kHeader);
  EXPECT_FALSE(decoder.header().fin);
  EXPECT_FALSE(decoder.header().masked);
  EXPECT_EQ(decoder.header().rsv, 5);
  ASSERT_EQ(decoder.read(&input), Step::kPayload);
  EXPECT_EQ(decoder.payload(), "abc");
}

TEST(FrameDecoder, AnEmptyFrameHasOneEmptyPiece) {
  FrameDecoder decoder;
  const std::string bytes = client_frame(Opcode::kText, "");
  std::string_view input = bytes;
  EXPECT_EQ(decoder.read(&input), Step::kHeader);
  EXPECT_EQ(decoder.read(&input), Step::kPayload);
  EXPECT_EQ(decoder.payload(), "");
  EXPECT_TRUE(decoder.is_between_frames());
  EXPECT_EQ(decoder.read(&input), Step::kNeedMore);
}

TEST(FrameDecoder, UnmasksALargePayloadInPieces) {
  FrameDecoder decoder;
  std::string payload;
  for (int i = 0; i < 20'003; ++i) payload.push_back(static_cast<char>(i * 7));
  const std::string bytes = client_frame(Opcode::kBinary, payload);
  std::string_view input = bytes;
  ASSERT_EQ(decoder.read(&input), Step::kHeader);
  std::string got;
  while (decoder.read(&input) == Step::kPayload) {
    got += decoder.payload();
    if (decoder.is_between_frames()) break;
  }
  EXPECT_EQ(got, payload);
}

TEST(FrameDecoder, AControlPayloadComesInOnePieceHoweverItIsCut) {
  FrameDecoder decoder;
  const std::string payload(125, 'p');
  const std::string bytes = client_frame(Opcode::kPing, payload);
  Step step = Step::kNeedMore;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string_view input = std::string_view(bytes).substr(i, 1);
    step = decoder.read(&input);
    if (step == Step::kHeader) step = decoder.read(&input);
    if (i + 1 < bytes.size()) {
      ASSERT_EQ(step, Step::kNeedMore);
    }
  }
  ASSERT_EQ(step, Step::kPayload);
  EXPECT_EQ(decoder.payload(), payload);
}

struct BadHeader {
  const char* why;
  std::string bytes;
};

TEST(FrameDecoder, RefusesWhatIsNoFrame) {
  FrameBits long16, long64, unfinished, huge;
  long16.length_bytes = 2;
  long64.length_bytes = 8;
  unfinished.fin = false;
  huge.announced = 1ULL << 63;
  const BadHeader cases[] = {
      {"16-bit length of 125", client_frame(Opcode::kText, std::string(125, 'x'), long16)},
      {"64-bit length of 0xFFFF", client_frame(Opcode::kText, std::string(0xFFFF, 'x'), long64)},
      {"64-bit length of 0", client_frame(Opcode::kText, "", long64)},
      {"64 bits of length", client_frame(Opcode::kText, "", huge)},
      {"ping of 126 bytes", client_frame(Opcode::kPing, std::string(126, 'x'))},
      {"close of 70000 bytes", client_frame(Opcode::kClose, std::string(70'000, 'x'))},
      {"fragmented pong", client_frame(Opcode::kPong, "x", unfinished)},
      {"fragmented empty ping", client_frame(Opcode::kPing, "", unfinished)},
  };
  for (const BadHeader& bad : cases) {
    FrameDecoder whole;
    std::string_view input = bad.bytes;
    EXPECT_EQ(whole.read(&input), Step::kMalformed) << bad.why;

    FrameDecoder bytewise;
    Step step = Step::kNeedMore;
    for (std::size_t i = 0; i < bad.bytes.size() && step == Step::kNeedMore; ++i) {
      std::string_view byte = std::string_view(bad.bytes).substr(i, 1);
      step = bytewise.read(&byte);
    }
    EXPECT_EQ(step, Step::kMalformed) << bad.why;
  }
}

}  // namespace
}  // namespace sockhook::websocket
