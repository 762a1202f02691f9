// TlsPair: one TLS stream that was accepted and one that connected to it, over loopback.
//
// Each side records what it is told, and reads as soon as it may, unless it is told not to.

#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "proxy/net/listener.h"
#include "proxy/net/tls_stream.h"
#include "tests/support/loop_runner.h"

namespace sockhook::testing {

// A stream's owner.
struct TlsSide : net::StreamListener, net::ConnectListener {
  void on_read(std::string_view data) override {
    received += data;
    ++reads;
    if (when_read) when_read();
  }
  void on_end(int error) override {
    ++ends;
    end_error = error;
    if (closes_at_end) stream->close();
  }
  void on_writable() override { ++writable; }
  void on_closed() override {
    failure = stream->failure();
    stream.reset();
    ++closed;
  }
  void on_connected(int error) override {
    ++connects;
    connect_error = error;
    if (error != 0) return stream->close();
    if (reads_at_once) stream->start_reading();
    if (when_connected) when_connected();
  }

  std::unique_ptr<net::TlsStream> stream;
  std::string received;
  std::string failure;
  int reads = 0;
  int ends = 0;
  int end_error = 1;  // none yet
  int connects = 0;
  int connect_error = 1;
  int writable = 0;
  int closed = 0;
  bool closes_at_end = true;
  bool reads_at_once = true;
  std::function<void()> when_read;
  std::function<void()> when_connected;
};

class TlsPair : net::AcceptListener {
 public:
  TlsPair(net::TlsContextPtr server_context, net::TlsContextPtr client_context)
      : server_context_(std::move(server_context)), client_context_(std::move(client_context)) {
    auto socket = net::ListenSocket::open(net::SocketAddress::ip("127.0.0.1", 0));
    address = socket->address();
    listener_ = std::make_unique<net::Listener>(runner.loop(), std::move(*socket),
                                                static_cast<net::AcceptListener*>(this));
  }
  ~TlsPair() {
    listener_->stop();
    for (TlsSide* side : {&server, &client}) {
      if (side->stream) side->stream->close();
    }
    runner.run_until([&] { return !listener_ && !server.stream && !client.stream; });
  }

  void connect(const std::string& host = "localhost") {
    client.stream = net::TlsStream::client(
        runner.loop(), client_context_, host,
        std::make_unique<net::SocketStream>(runner.loop(), false, nullptr), &client);
    ASSERT_EQ(client.stream->connect(address, &client), 0);
  }
  bool run_until(const std::function<bool()>& condition) { return runner.run_until(condition); }
  // True when both have shaken hands.
  bool open(const std::string& host = "localhost") {
    connect(host);
    const auto is_decided = [&] {
      const bool is_open = server.stream && server.stream->is_open();
      return client.closed > 0 || (client.connect_error == 0 && is_open);
    };
    return run_until(is_decided) && client.stream != nullptr;
  }

  LoopRunner runner;
  net::SocketAddress address;
  TlsSide server;
  TlsSide client;

 private:
  void on_connection(const net::Incoming& incoming) override {
    auto socket = std::make_unique<net::SocketStream>(runner.loop(), incoming.is_unix, nullptr);
    ASSERT_TRUE(socket->accept(incoming));
    server.stream =
        net::TlsStream::server(runner.loop(), server_context_, std::move(socket), &server);
    server.stream->start();
    if (server.reads_at_once) server.stream->start_reading();
  }
  void on_stopped() override { listener_.reset(); }

  net::TlsContextPtr server_context_;
  net::TlsContextPtr client_context_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace sockhook::testing
