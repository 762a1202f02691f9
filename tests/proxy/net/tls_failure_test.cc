// TLS streams against peers that are broken, rude or hostile.

#include <gtest/gtest.h>

#include "tests/proxy/net/tls_rig.h"

namespace sockhook::net {
namespace {

using testing::MemoryStream;
using testing::TlsPeer;

TEST_F(TlsWireTest, GarbageInsteadOfAHelloFailsTheHandshake) {
  for (const char* garbage :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "\x16\x03\x01\xff\xff aaaaaaaaaaaaaaaaaaaaaaa"}) {
    auto wire = server();
    wire->side.stream->start_reading();
    wire->transport->deliver(garbage);
    EXPECT_EQ(wire->side.ends, 1);
    EXPECT_EQ(wire->side.end_error, UV_EPROTO);
    EXPECT_EQ(wire->side.stream->failure(), "the peer speaks no TLS");
    wire->side.stream->write("lost", {});
    EXPECT_FALSE(wire->side.stream->is_writing());
  }
}

TEST_F(TlsWireTest, AServerThatSpeaksNoTlsFailsTheHandshake) {
  auto memory = MemoryStream::Peer();
  TlsRig wire(runner, client_context(), "localhost",
              std::make_unique<TlsPeer>(TlsPeer::Role::kServer));
  wire.transport->deliver("-ERR unknown command\r\n");
  EXPECT_EQ(wire.side.connect_error, UV_EPROTO);
  EXPECT_EQ(wire.side.stream->failure(), "the peer speaks no TLS");
}

TEST_F(TlsWireTest, AnEndInTheMiddleOfTheHandshakeIsAnError) {
  auto wire = server();
  wire->side.stream->start_reading();
  wire->peer->feed({});
  wire->transport->deliver(wire->peer->take().substr(0, 100));
  wire->transport->deliver_end();
  EXPECT_EQ(wire->side.end_error, UV_ECONNRESET);
  EXPECT_EQ(wire->side.stream->failure(), "the peer ended the handshake");

  auto reset = server();
  reset->side.stream->start_reading();
  reset->transport->deliver_end(UV_ETIMEDOUT);
  EXPECT_EQ(reset->side.end_error, UV_ETIMEDOUT);
}

TEST_F(TlsWireTest, ABrokenRecordEndsTheStreamBehindWhatWasGood) {
  auto wire = open_server();
  wire->peer->write("good");
  const std::string good = wire->peer->take();
  wire->peer->write("broken");
  std::string broken = wire->peer->take();
  broken.back() = static_cast<char>(broken.back() ^ 1);
  wire->transport->deliver(good + broken);
  EXPECT_EQ(wire->side.received, "good");
  EXPECT_EQ(wire->side.end_error, UV_EPROTO);
  EXPECT_EQ(wire->side.stream->failure(), "TLS failed: decryption failed or bad record mac");
}

TEST_F(TlsWireTest, RenegotiationIsRefusedAndDoesNoHarm) {
  auto wire = open_server(TLS1_2_VERSION);
  SSL_renegotiate(wire->peer->ssl());
  SSL_do_handshake(wire->peer->ssl());
  const std::string hello = wire->peer->take();
  EXPECT_FALSE(hello.empty());
  wire->transport->deliver(hello);
  EXPECT_EQ(wire->side.ends, 0);
  EXPECT_FALSE(wire->outside.received.empty()) << "the alert no_renegotiation";
  wire->side.stream->write("still here", {});
  EXPECT_FALSE(wire->side.stream->is_writing());
}

TEST_F(TlsWireTest, APeerThatAsksForKeysAndReadsNothingIsLeft) {
  auto wire = open_server();
  wire->transport->block();
  for (int i = 0; i < 50'000 && wire->side.ends == 0; ++i) {
    SSL_key_update(wire->peer->ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(wire->peer->ssl());
    wire->transport->deliver(wire->peer->take());
  }
  EXPECT_EQ(wire->side.ends, 1);
  EXPECT_LT(wire->transport->queued_bytes(), TlsStream::kMaxUnaskedBytes + 1024);
}

TEST_F(TlsWireTest, AWriteThatFailsIsToldLikeASocketTellsIt) {
  auto wire = open_server();
  wire->side.stream->stop_reading();
  wire->transport->block();
  wire->side.stream->write("a", {});
  wire->side.stream->write("b", {});
  wire->transport->fail_write(UV_EPIPE);
  EXPECT_EQ(wire->side.end_error, UV_EPIPE);
  EXPECT_EQ(wire->side.stream->queued_bytes(), 0U);
  wire->side.stream->write("c", {});
  EXPECT_FALSE(wire->side.stream->is_writing());
}

}  // namespace
}  // namespace sockhook::net
