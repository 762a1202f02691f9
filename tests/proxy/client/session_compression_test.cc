// Sessions that agreed on permessage-deflate: what goes out, what comes in, and what a fan-out
// costs.

#include "protocol/websocket/deflater.h"
#include "proxy/client/compression.h"
#include "tests/proxy/client/session_fixture.h"

namespace sockhook::client {
namespace {

using websocket::encode_frame;

conf::Compression compression(bool takeover) { return {10, 3, takeover}; }

TEST(SharedCompression, AFanOutCompressesOnceForEachWindow) {
  sockhook::testing::LoopRunner runner;
  SharedCompression shared(runner.loop());
  const websocket::SharedFrame frame = encode_frame(Opcode::kText, std::string(1000, 'x'));
  const websocket::SharedFrame first = shared.compress(frame, 15, 3);
  EXPECT_LT(first->size(), 50U);
  EXPECT_EQ(shared.compress(frame, 15, 3), first);
  EXPECT_NE(shared.compress(frame, 9, 3), first);
  EXPECT_EQ(shared.compress(frame, 15, 3), first);
  EXPECT_EQ(frame.use_count(), 3) << "held for both windows";
  EXPECT_TRUE(runner.run_until([&] { return frame.use_count() == 1; }))
      << "forgotten when the event is over";
}

TEST(SharedCompression, WhatDoesNotShrinkGoesAsItIs) {
  sockhook::testing::LoopRunner runner;
  SharedCompression shared(runner.loop());
  const websocket::SharedFrame frame = encode_frame(Opcode::kBinary, "\x01\x7f\x33\x90");
  EXPECT_EQ(shared.compress(frame, 15, 3), frame);
}

TEST(SessionCompression, SmallMessagesGoAsTheyAre) {
  sockhook::testing::LoopRunner runner;
  SharedCompression shared(runner.loop());
  SessionCompression mine({}, compression(false));
  const websocket::SharedFrame small = encode_frame(Opcode::kText, "xxxxxxxxx");
  const websocket::SharedFrame large = encode_frame(Opcode::kText, "xxxxxxxxxx");
  EXPECT_EQ(mine.outgoing(small, shared), small);
  EXPECT_NE(mine.outgoing(large, shared), large);
  EXPECT_EQ(mine.outgoing(encode_frame(Opcode::kText, ""), shared)->size(), 2U);
}

TEST(SessionCompression, TakeoverMakesRepetitionsSmaller) {
  sockhook::testing::LoopRunner runner;
  SharedCompression shared(runner.loop());
  websocket::DeflateTerms terms;
  terms.server_takeover = terms.client_takeover = true;
  terms.server_bits = 12;
  SessionCompression mine(terms, compression(true));
  const websocket::SharedFrame frame =
      encode_frame(Opcode::kText, R"({"event":"tick","price":123.45,"symbol":"ABCD"})");
  const std::size_t first = mine.outgoing(frame, shared)->size();
  EXPECT_LT(mine.outgoing(frame, shared)->size(), first / 3);
  EXPECT_NE(&mine.inflater(shared), &shared.inflater());
}

}  // namespace
}  // namespace sockhook::client
