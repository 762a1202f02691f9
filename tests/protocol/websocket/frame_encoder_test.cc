#include "protocol/websocket/frame_encoder.h"

#include <gtest/gtest.h>

#include <string>

namespace sockhook::websocket {
namespace {

using namespace std::string_literals;

TEST(FrameEncoder, UsesTheShortestLength) {
  EXPECT_EQ(FrameHead(Opcode::kText, 0).bytes(), "\x81\x00"s);
  EXPECT_EQ(FrameHead(Opcode::kText, 125).bytes(), "\x81\x7D"s);
  EXPECT_EQ(FrameHead(Opcode::kBinary, 126).bytes(), "\x82\x7E\x00\x7E"s);
  EXPECT_EQ(FrameHead(Opcode::kBinary, 0xFFFF).bytes(), "\x82\x7E\xFF\xFF"s);
  EXPECT_EQ(FrameHead(Opcode::kBinary, 0x10000).bytes(),
            "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s);
  EXPECT_EQ(FrameHead(Opcode::kBinary, 0x0123456789ABCDEF).bytes(),
            "\x82\x7F\x01\x23\x45\x67\x89\xAB\xCD\xEF"s);
}

TEST(FrameEncoder, ACompressedFrameHasRsv1) {
  EXPECT_EQ(*encode_compressed_frame(Opcode::kText, "abc"),
            "\xC1\x03"
            "abc"s);
}

TEST(FrameEncoder, ItsOwnFramesCanBeTakenApart) {
  for (const std::size_t size : {0, 125, 126, 0xFFFF, 0x10000}) {
    const std::string payload(size, 'x');
    const SharedFrame frame = encode_frame(Opcode::kBinary, payload);
    const DecodedFrame decoded = decode_own_frame(*frame);
    EXPECT_EQ(decoded.opcode, Opcode::kBinary);
    EXPECT_EQ(decoded.payload, payload);
  }
}

TEST(FrameEncoder, AFrameIsItsHeaderAndItsUnmaskedPayload) {
  EXPECT_EQ(*encode_frame(Opcode::kText, "Hello"), "\x81\x05Hello");
  EXPECT_EQ(*encode_frame(Opcode::kPing, ""), "\x89\x00"s);
  EXPECT_EQ(*encode_frame(Opcode::kPong, "p"), "\x8A\x01p");
  const std::string large(70'000, 'x');
  EXPECT_EQ(*encode_frame(Opcode::kBinary, large),
            "\x82\x7F\x00\x00\x00\x00\x00\x01\x11\x70"s + large);
}

TEST(FrameEncoder, ACloseFrameCarriesCodeAndReason) {
  EXPECT_EQ(*encode_close_frame(1012, "service restart"), "\x88\x11\x03\xF4service restart");
}

TEST(FrameEncoder, ACloseWithoutACodeThatMayBeSentIsEmpty) {
  EXPECT_EQ(*encode_close_frame(1005, "unused"), "\x88\x00"s);
  EXPECT_EQ(*encode_close_frame(1006, ""), "\x88\x00"s);
}

TEST(FrameEncoder, ACloseReasonNeverMakesTheFrameTooLarge) {
  const SharedFrame frame = encode_close_frame(1008, std::string(200, 'r'));
  EXPECT_EQ(frame->size(), 2 + 125U);
}

}  // namespace
}  // namespace sockhook::websocket
