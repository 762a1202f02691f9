// TLS streams against a peer on strings: what travels in which pieces, and how both sides end.

#include <gtest/gtest.h>

#include "tests/proxy/net/tls_rig.h"

namespace sockhook::net {
namespace {

using testing::MemoryStream;
using testing::TlsPeer;
using testing::TlsSide;

TEST_F(TlsWireTest, AnythingMayComeByteByByte) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto wire = server(version);
    wire->piece = 1;
    wire->side.stream->start_reading();
    wire->run();
    ASSERT_TRUE(wire->side.stream->is_open());
    wire->peer->write("hello");
    wire->peer->write(std::string(20'000, 'x'));
    wire->peer->close_notify();
    wire->run();
    EXPECT_EQ(wire->side.received, "hello" + std::string(20'000, 'x'));
    EXPECT_EQ(wire->side.end_error, 0);
  }
}

TEST_F(TlsWireTest, DataRightBehindTheHandshakeWaitsForTheReader) {
  auto wire = server();
  wire->peer->feed({});
  wire->transport->deliver(wire->peer->take());
  wire->peer->feed(wire->outside.take());  // the client's handshake is complete
  wire->peer->write("first");
  wire->peer->close_notify();
  wire->transport->deliver(wire->peer->take());
  EXPECT_TRUE(wire->side.stream->is_open());
  EXPECT_EQ(wire->side.reads, 0);
  EXPECT_EQ(wire->side.ends, 0);
  wire->side.stream->start_reading();
  EXPECT_EQ(wire->side.reads, 0) << "from the loop only";
  turn(runner);
  EXPECT_EQ(wire->side.received, "first");
  EXPECT_EQ(wire->side.end_error, 0);
}

TEST_F(TlsWireTest, WhatIsHeldOutlivesAFailure) {
  auto wire = server();
  wire->peer->feed({});
  wire->transport->deliver(wire->peer->take());
  wire->peer->feed(wire->outside.take());
  wire->peer->write("held");
  std::string bytes = wire->peer->take();
  wire->peer->write("broken");
  bytes += wire->peer->take();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  wire->transport->deliver(bytes);
  wire->side.stream->start_reading();
  wire->side.stream->stop_reading();
  turn(runner);
  EXPECT_EQ(wire->side.ends, 0) << "nobody reads";
  wire->side.stream->start_reading();
  turn(runner);
  EXPECT_EQ(wire->side.received, "held");
  EXPECT_EQ(wire->side.end_error, UV_EPROTO);
}

TEST_F(TlsWireTest, WhatWasReadBeforeTheStreamWasMadeBelongsToIt) {
  auto client = std::make_unique<TlsPeer>(TlsPeer::Role::kClient);
  MemoryStream::Peer outside;
  auto memory = std::make_unique<MemoryStream>(outside);
  MemoryStream* const transport = memory.get();
  TlsSide side;
  side.stream = TlsStream::server(runner.loop(), server_context(), std::move(memory), &side);
  client->feed({});
  const std::string hello = client->take();
  side.stream->start(hello.substr(0, 50));
  transport->deliver(hello.substr(50));
  EXPECT_EQ(outside.received, "") << "not before the loop has fed what came first";
  turn(runner);
  transport->pump();
  client->feed(outside.take());
  EXPECT_TRUE(client->is_open());
  side.stream->close();
  transport->run_close();
}

TEST_F(TlsWireTest, OneReadOfTheTransportIsOneOfTheStream) {
  auto wire = open_server();
  for (int i = 0; i < 1000; ++i) wire->peer->write("0123456789");
  wire->run();
  EXPECT_EQ(wire->side.reads, 1);
  EXPECT_EQ(wire->side.received.size(), 10'000U);
}

TEST_F(TlsWireTest, APausedReaderPausesTheTransport) {
  auto wire = open_server();
  wire->side.when_read = [&] { wire->side.stream->stop_reading(); };
  wire->peer->write("one");
  wire->run();
  EXPECT_FALSE(wire->transport->is_reading());
  wire->peer->write("two");
  wire->peer->close_notify();
  wire->run();
  EXPECT_EQ(wire->side.received, "one");
  EXPECT_EQ(wire->side.ends, 0);
  wire->read();
  EXPECT_EQ(wire->side.received, "onetwo");
  EXPECT_EQ(wire->side.ends, 0) << "it has paused again";
  wire->read();
  EXPECT_EQ(wire->side.end_error, 0);
}

TEST_F(TlsWireTest, MoreThanTheLoopsBufferHoldsComesInPieces) {
  auto wire = open_server();
  const std::string large(300'000, 'x');
  wire->peer->write(large);
  wire->side.when_read = [&] { wire->side.stream->stop_reading(); };
  wire->run();
  EXPECT_EQ(wire->side.reads, 1);
  while (wire->side.received.size() < large.size() && wire->side.reads < 10) wire->read();
  EXPECT_EQ(wire->side.received, large);
}

TEST_F(TlsWireTest, AFinWithoutCloseNotifyIsFineForServersAndAnErrorForClients) {
  auto on_server = open_server();
  on_server->transport->deliver_end();
  EXPECT_EQ(on_server->side.end_error, 0);
  auto on_client = open_client();
  on_client->transport->deliver_end();
  EXPECT_EQ(on_client->side.end_error, UV_ECONNRESET);
  EXPECT_EQ(on_client->side.stream->failure(),
            "the peer ended the connection without close_notify");
}

TEST_F(TlsWireTest, AFinBehindCloseNotifyIsNoSecondEnd) {
  auto wire = open_client();
  wire->peer->write("last");
  wire->peer->close_notify();
  wire->run();
  EXPECT_EQ(wire->side.received, "last");
  EXPECT_EQ(wire->side.end_error, 0);
  wire->transport->deliver_end();
  EXPECT_EQ(wire->side.ends, 1);
}

TEST_F(TlsWireTest, AfterThePeersEndOneMayStillWrite) {
  auto wire = open_server();
  wire->peer->close_notify();
  wire->run();
  ASSERT_EQ(wire->side.ends, 1);
  wire->side.stream->write("answer", {});
  wire->side.stream->shutdown();
  wire->run();
  EXPECT_EQ(wire->peer->received, "answer");
  EXPECT_TRUE(wire->peer->got_close_notify);
  EXPECT_TRUE(wire->outside.received_fin);
}

TEST_F(TlsWireTest, AfterTheOwnEndOneMayStillRead) {
  auto wire = open_server();
  wire->side.stream->shutdown();
  wire->run();
  EXPECT_TRUE(wire->peer->got_close_notify);
  wire->peer->write("more");
  SSL_key_update(wire->peer->ssl(), SSL_KEY_UPDATE_REQUESTED);
  wire->peer->write(" and more");
  wire->run();
  EXPECT_EQ(wire->side.received, "more and more");
  EXPECT_EQ(wire->side.ends, 0);
}

TEST_F(TlsWireTest, TheEndComesBehindWhatIsQueued) {
  auto wire = open_server();
  wire->transport->block();
  wire->side.stream->write("one", {});
  wire->side.stream->write("two", {});
  wire->side.stream->shutdown();
  EXPECT_FALSE(wire->outside.received_fin);
  EXPECT_EQ(wire->side.stream->queued_bytes(), 3 + wire->transport->queued_bytes());
  wire->transport->unblock();
  wire->run();
  EXPECT_EQ(wire->peer->received, "onetwo");
  EXPECT_TRUE(wire->peer->got_close_notify);
  EXPECT_TRUE(wire->outside.received_fin);
}

}  // namespace
}  // namespace sockhook::net
