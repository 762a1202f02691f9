// TlsRig: a TLS stream whose transport a test moves by hand, and a peer on strings: what travels
// in which pieces is the test's to choose.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/net/tls_stream.h"
#include "tests/proxy/net/tls_fixture.h"
#include "tests/support/loop_runner.h"
#include "tests/support/memory_stream.h"
#include "tests/support/tls_pair.h"
#include "tests/support/tls_peer.h"

namespace sockhook::net {

// What is to happen soon happens.
inline void turn(testing::LoopRunner& runner) { uv_run(runner.loop().uv(), UV_RUN_NOWAIT); }

class TlsRig {
 public:
  // A server; the peer is its client.
  TlsRig(testing::LoopRunner& runner, TlsContextPtr context, std::unique_ptr<testing::TlsPeer> of)
      : peer(std::move(of)), runner_(runner) {
    auto memory = std::make_unique<testing::MemoryStream>(outside);
    transport = memory.get();
    side.stream = TlsStream::server(runner.loop(), std::move(context), std::move(memory), &side);
    side.stream->start();
  }
  // A client; the peer is its server.
  TlsRig(testing::LoopRunner& runner, TlsContextPtr context, const std::string& host,
         std::unique_ptr<testing::TlsPeer> of)
      : peer(std::move(of)), runner_(runner) {
    auto memory = std::make_unique<testing::MemoryStream>(outside);
    transport = memory.get();
    side.stream =
        TlsStream::client(runner.loop(), std::move(context), host, std::move(memory), &side);
    EXPECT_EQ(side.stream->connect({}, &side), 0);
    transport->run_connected(0);
  }
  ~TlsRig() { close(); }
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

  testing::MemoryStream::Peer outside;
  testing::MemoryStream* transport = nullptr;
  testing::TlsSide side;
  std::unique_ptr<testing::TlsPeer> peer;
  std::size_t piece = 0;  // what a read brings; 0: all that there is

 private:
  testing::LoopRunner& runner_;
};

class TlsWireTest : public TlsTest {
 protected:
  // With its client, which speaks TLS 1.3, or up to `version`.
  std::unique_ptr<TlsRig> server(int version = TLS1_3_VERSION) {
    auto client = std::make_unique<testing::TlsPeer>(
        testing::TlsPeer::Role::kClient,
        [&](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, version); });
    auto wire = std::make_unique<TlsRig>(runner, server_context(), std::move(client));
    wire->side.closes_at_end = false;
    return wire;
  }
  std::unique_ptr<TlsRig> open_server(int version = TLS1_3_VERSION) {
    auto wire = server(version);
    wire->side.stream->start_reading();
    wire->run();
    EXPECT_TRUE(wire->side.stream->is_open());
    return wire;
  }
  std::unique_ptr<TlsRig> open_client() {
    const conf::CertificateFiles files = ca.issue_for_localhost();
    auto server =
        std::make_unique<testing::TlsPeer>(testing::TlsPeer::Role::kServer, [&](SSL_CTX* context) {
          SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str());
          SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM);
        });
    auto wire = std::make_unique<TlsRig>(runner, client_context(), "localhost", std::move(server));
    wire->side.closes_at_end = false;
    wire->run();
    EXPECT_EQ(wire->side.connect_error, 0);
    return wire;
  }

  testing::LoopRunner runner;
};

}  // namespace sockhook::net
