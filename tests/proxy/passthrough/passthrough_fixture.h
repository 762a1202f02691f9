// What the tests of the Passthrough share: raw clients, a front that speaks HTTP to them as the
// public listener does, the passthrough, its pool and a scripted backend, all on one loop.

#pragma once

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "proxy/passthrough/passthrough.h"
#include "tests/proxy/backend/pool_fixture.h"
#include "tests/support/scripted_backend.h"

namespace sockhook::passthrough {

// Accepts clients and hands their requests over, as client::PublicConnection does.
class Front final : public net::AcceptListener {
 public:
  Front(net::Loop& loop, http::PlainRequests& plain) : loop_(loop), plain_(plain) {
    auto socket = net::ListenSocket::open(net::SocketAddress::ip("127.0.0.1", 0));
    address = socket->address();
    listener_ = std::make_unique<net::Listener>(loop, std::move(*socket), this);
  }
  void close() {
    listener_->stop();
    for (Connection& connection : connections_) connection.abort();
  }

  net::SocketAddress address;

 private:
  class Connection final : public http::ServerConnectionListener {
   public:
    Connection(Front& front, std::unique_ptr<net::Stream> stream)
        : front_(front), http_(front.loop_.deadlines(), std::move(stream), {}, this) {}
    void start() { http_.start(); }
    void abort() {
      if (exchange_ != nullptr) exchange_->on_request_aborted();
      http_.abort();
    }

    std::list<Connection>::iterator self;

   private:
    void on_request(http::RequestHead& head) override {
      http::Forwarded client;
      client.client = *http::IpAddress::parse("198.51.100.7");
      client.proto = "http";
      if (const std::string* host = head.headers.find("Host")) client.host = *host;
      front_.plain_.start(http_, head, client, exchange_);
    }
    void on_request_body(std::string_view data) override {
      if (exchange_ != nullptr) exchange_->on_request_body(data);
    }
    void on_request_end(http::Headers& trailers) override {
      if (exchange_ != nullptr) exchange_->on_request_end(trailers);
    }
    void on_request_aborted() override {
      if (exchange_ != nullptr) exchange_->on_request_aborted();
    }
    void on_response_writable() override {
      if (exchange_ != nullptr) exchange_->on_response_writable();
    }
    void on_closed() override { front_.connections_.erase(self); }

    Front& front_;
    http::ServerConnection http_;
    http::PlainExchange* exchange_ = nullptr;
  };

  void on_connection(const net::Incoming& incoming) override {
    auto stream = std::make_unique<net::SocketStream>(loop_, incoming.is_unix, nullptr);
    SOCKHOOK_CHECK(stream->accept(incoming));
    Connection& connection = connections_.emplace_front(*this, std::move(stream));
    connection.self = connections_.begin();
    connection.start();
  }
  void on_stopped() override { listener_.reset(); }

  net::Loop& loop_;
  http::PlainRequests& plain_;
  std::unique_ptr<net::Listener> listener_;
  std::list<Connection> connections_;
};

// A client that writes bytes and keeps what it reads.
class RawClient final : public net::StreamListener, public net::ConnectListener {
 public:
  RawClient(net::Loop& loop, const net::SocketAddress& address)
      : stream_(std::make_unique<net::SocketStream>(loop, false,
                                                    static_cast<net::StreamListener*>(this))) {
    SOCKHOOK_CHECK(stream_->connect(address, this) == 0);
  }

  void send(std::string_view bytes) { stream_->write(bytes, {}); }
  void close() { stream_->close(); }
  void reset() { stream_->reset(); }
  void stop_reading() { stream_->stop_reading(); }
  void start_reading() { stream_->start_reading(); }
  std::size_t unsent() const { return stream_->queued_bytes(); }
  bool has(std::string_view text) const { return received.find(text) != std::string::npos; }

  std::string received;
  bool has_ended = false;
  bool was_reset = false;
  bool reads_at_once = true;

 private:
  void on_connected(int error) override {
    SOCKHOOK_CHECK(error == 0);
    if (reads_at_once) stream_->start_reading();
  }
  void on_read(std::string_view data) override { received += data; }
  void on_end(int error) override {
    has_ended = true;
    was_reset = error != 0;
    stream_->close();
  }
  void on_closed() override {}

  std::unique_ptr<net::SocketStream> stream_;
};

class PassthroughTest : public backend::PoolTest {
 protected:
  PassthroughTest() { settings.webhook_paths = {}; }
  ~PassthroughTest() override {
    for (auto& client : clients) client->close();
    if (front) front->close();
    testing::run_for(loop, 5);
    EXPECT_EQ(passthrough ? passthrough->active() : 0, 0u) << "an exchange outlives its client";
    passthrough.reset();
  }

  // The backend, the passthrough to it and the front, all open for business.
  testing::ScriptedBackend& open(uint64_t stall_ms = Passthrough::kStallMs) {
    if (config.urls.empty()) add_backend();
    open_pool();
    passthrough = std::make_unique<Passthrough>(loop, settings, *pool, metrics, stall_ms);
    front = std::make_unique<Front>(loop, *passthrough);
    return *backends.front();
  }
  RawClient& connect() {
    clients.push_back(std::make_unique<RawClient>(loop, front->address));
    return *clients.back();
  }
  // Sends `request` on a connection of its own and waits for `text` in the answer.
  RawClient& send(std::string_view request) {
    RawClient& client = connect();
    client.send(request);
    return client;
  }
  bool gets(RawClient& client, const std::string& text) {
    return until([&] { return client.has(text); });
  }
  // The backend's newest connection has received `text`.
  bool asked(const std::string& text) {
    return until([&] {
      for (const auto& connection : backends.front()->connections) {
        if (connection->received.find(text) != std::string::npos) return true;
      }
      return false;
    });
  }
  testing::ScriptedConnection& asked_connection() { return *backends.front()->connections.back(); }
  uint64_t count(observe::PassthroughResult result) { return metrics.passthrough[result].value(); }

  static std::string length_answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  conf::Passthrough settings;
  conf::Config all;
  observe::WorkerMetrics metrics{all};
  std::unique_ptr<Passthrough> passthrough;
  std::unique_ptr<Front> front;
  std::vector<std::unique_ptr<RawClient>> clients;
};

inline constexpr const char* kGet = "GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n";

}  // namespace sockhook::passthrough
