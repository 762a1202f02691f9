// TLS streams against a peer on strings: what travels in which pieces, and what bad peers do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <list>

#include "proxy/net/tls_stream.h"
#include "tests/proxy/net/tls_fixture.h"
#include "tests/support/memory_stream.h"
#include "tests/support/tls_pair.h"
#include "tests/support/tls_peer.h"

namespace sockhook::net {
namespace {

using testing::LoopRunner;
using testing::MemoryStream;
using testing::TlsPeer;
using testing::TlsSide;

// What is to happen soon happens.
void turn(LoopRunner& runner) { uv_run(runner.loop().uv(), UV_RUN_NOWAIT); }

// One TLS stream whose transport the test moves by hand, and its peer.
class Wire {
 public:
  // A server; the peer is its client.
  Wire(LoopRunner& runner, TlsContextPtr context, std::unique_ptr<TlsPeer> of)
      : peer(std::move(of)), runner_(runner) {
    auto memory = std::make_unique<MemoryStream>(outside);
    transport = memory.get();
    side.stream = TlsStream::server(runner.loop(), std::move(context), std::move(memory), &side);
    side.stream->start();
  }
  // A client; the peer is its server.
  Wire(LoopRunner& runner, TlsContextPtr context, const std::string& host,
       std::unique_ptr<TlsPeer> of)
      : peer(std::move(of)), runner_(runner) {
    auto memory = std::make_unique<MemoryStream>(outside);
    transport = memory.get();
    side.stream =
        TlsStream::client(runner.loop(), std::move(context), host, std::move(memory), &side);
    EXPECT_EQ(side.stream->connect({}, &side), 0);
    transport->run_connected(0);
  }
  ~Wire() { close(); }
  void close() {
    if (!side.stream) return;
    side.stream->close();
    transport->run_close();
  }

  void deliver(std::string_view bytes) {
    if (piece == 0) return transport->deliver(bytes);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      transport->deliver(bytes.substr(at, piece));
    }
  }
  // Until neither side has anything to say.
  void run() {
    peer->feed({});
    for (bool moved = true; moved;) {
      const std::string to_stream = peer->take();
      deliver(to_stream);
      turn(runner_);
      const std::string to_peer = outside.take();
      peer->feed(to_peer);
      moved = !to_stream.empty() || !to_peer.empty();
    }
  }
  void read() {
    side.stream->start_reading();
    turn(runner_);
    transport->pump();
  }

  MemoryStream::Peer outside;
  MemoryStream* transport = nullptr;
  TlsSide side;
  std::unique_ptr<TlsPeer> peer;
  std::size_t piece = 0;  // what a read brings; 0: all that there is

 private:
  LoopRunner& runner_;
};

class TlsWireTest : public TlsTest {
 protected:
  // With its client, which speaks TLS 1.3, or up to `version`.
  std::unique_ptr<Wire> server(int version = TLS1_3_VERSION) {
    auto client = std::make_unique<TlsPeer>(TlsPeer::Role::kClient, [&](SSL_CTX* context) {
      SSL_CTX_set_max_proto_version(context, version);
    });
    auto wire = std::make_unique<Wire>(runner, server_context(), std::move(client));
    wire->side.closes_at_end = false;
    return wire;
  }
  std::unique_ptr<Wire> open_server(int version = TLS1_3_VERSION) {
    auto wire = server(version);
    wire->side.stream->start_reading();
    wire->run();
    EXPECT_TRUE(wire->side.stream->is_open());
    return wire;
  }
  std::unique_ptr<Wire> open_client() {
    const conf::CertificateFiles files = ca.issue_for_localhost();
    auto server = std::make_unique<TlsPeer>(TlsPeer::Role::kServer, [&](SSL_CTX* context) {
      SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str());
      SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM);
    });
    auto wire = std::make_unique<Wire>(runner, client_context(), "localhost", std::move(server));
    wire->side.closes_at_end = false;
    wire->run();
    EXPECT_EQ(wire->side.connect_error, 0);
    return wire;
  }

  LoopRunner runner;
};

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
  Wire wire(runner, client_context(), "localhost",
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

// The floor of OpenSSL 3.0 is about 14 KB.
TEST_F(TlsWireTest, AnIdleConnectionHasNoBuffers) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  constexpr std::size_t kConnections = 200;
  const TlsContextPtr context = server_context();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    std::list<Wire> wires;
    for (std::size_t i = 0; i < kConnections; ++i) {
      Wire& wire = wires.emplace_back(
          runner, context, std::make_unique<TlsPeer>(TlsPeer::Role::kClient, [&](SSL_CTX* client) {
            SSL_CTX_set_max_proto_version(client, version);
          }));
      wire.side.stream->start_reading();
      wire.run();
      wire.peer->write("hello");
      wire.side.stream->write(std::string(5000, 'x'), {});
      wire.run();
      ASSERT_EQ(wire.side.received, "hello");
    }
    const std::size_t before = ::mallinfo2().uordblks;
    for (Wire& wire : wires) wire.close();
    const std::size_t bytes = (before - ::mallinfo2().uordblks) / kConnections;
    std::printf("%zu bytes for an idle connection (%s)\n", bytes,
                version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2");
    EXPECT_LT(bytes, 16U * 1024);
  }
}

}  // namespace
}  // namespace sockhook::net
