// ScriptedBackend: a server on the test's own loop that does to each connection what the test says.
//
// Owner: the test, which calls `close` and runs the loop before it destroys it.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/socket_stream.h"

namespace sockhook::testing {

class ScriptedBackend;

class ScriptedConnection final : private net::StreamListener {
 public:
  ScriptedConnection(ScriptedBackend& backend, net::Loop& loop, const net::Incoming& incoming);

  void send(std::string_view bytes) { stream_->write(bytes, {}); }
  void send_fin() { stream_->shutdown(); }
  void close() { stream_->close(); }
  void reset() { stream_->reset(); }
  void stop_reading() { stream_->stop_reading(); }
  void start_reading() { stream_->start_reading(); }

  std::size_t unsent() const { return stream_->queued_bytes(); }

  bool has_ended() const { return has_ended_; }  // FIN or reset by the other side
  bool was_reset() const { return was_reset_; }
  bool is_closed() const { return is_closed_; }

  std::string received;  // the test may clear it

 private:
  void on_read(std::string_view data) override;
  void on_end(int error) override;
  void on_closed() override { is_closed_ = true; }

  ScriptedBackend& backend_;
  std::unique_ptr<net::SocketStream> stream_;
  bool has_ended_ = false;
  bool was_reset_ = false;
  bool is_closed_ = false;
};

class ScriptedBackend final : public net::AcceptListener {
 public:
  using Script = std::function<void(ScriptedConnection&)>;

  explicit ScriptedBackend(net::Loop& loop,
                           const net::SocketAddress& address = net::SocketAddress::ip("127.0.0.1",
                                                                                      0))
      : loop_(loop) {
    auto socket = net::ListenSocket::open(address);
    SOCKHOOK_CHECK(socket.has_value());
    address_ = socket->address();
    listener_ = std::make_unique<net::Listener>(loop, std::move(*socket), this);
  }

  uint16_t port() const { return address_.port(); }
  const net::SocketAddress& address() const { return address_; }
  ScriptedConnection& connection(std::size_t i) { return *connections.at(i); }
  std::size_t open() const {
    std::size_t count = 0;
    for (const auto& connection : connections) count += connection->has_ended() ? 0 : 1;
    return count;
  }
  void stop_listening() {
    if (listener_) listener_->stop();
  }
  void close() {
    stop_listening();
    for (const auto& connection : connections) connection->close();
  }

  Script on_accepted;
  Script on_received;  // bytes have come; `received` has all of them
  std::vector<std::unique_ptr<ScriptedConnection>> connections;  // in order; never removed

 private:
  void on_connection(const net::Incoming& incoming) override {
    connections.push_back(std::make_unique<ScriptedConnection>(*this, loop_, incoming));
    if (on_accepted) on_accepted(*connections.back());
  }
  void on_stopped() override { listener_.reset(); }

  net::Loop& loop_;
  net::SocketAddress address_;
  std::unique_ptr<net::Listener> listener_;
};

inline ScriptedConnection::ScriptedConnection(ScriptedBackend& backend, net::Loop& loop,
                                              const net::Incoming& incoming)
    : backend_(backend),
      stream_(std::make_unique<net::SocketStream>(loop, incoming.is_unix,
                                                  static_cast<net::StreamListener*>(this))) {
  SOCKHOOK_CHECK(stream_->accept(incoming));
  stream_->start_reading();
}

inline void ScriptedConnection::on_read(std::string_view data) {
  received += data;
  if (backend_.on_received) backend_.on_received(*this);
}

inline void ScriptedConnection::on_end(int error) {
  has_ended_ = true;
  was_reset_ = error != 0;
  stream_->close();
}

// Runs the loop until `is_done`; false when it has not come to that in `limit_ms`.
inline bool run_until(net::Loop& loop, const std::function<bool()>& is_done,
                      uint64_t limit_ms = 5'000) {
  const uint64_t start_ms = uv_hrtime() / 1'000'000;
  while (!is_done()) {
    if (uv_hrtime() / 1'000'000 - start_ms > limit_ms) return false;
    uv_run(loop.uv(), UV_RUN_NOWAIT);
    if (!is_done()) uv_sleep(1);
  }
  return true;
}

inline void run_for(net::Loop& loop, uint64_t ms) {
  const uint64_t end_ms = uv_hrtime() / 1'000'000 + ms;
  run_until(
      loop, [&] { return uv_hrtime() / 1'000'000 >= end_ms; }, ms + 1'000);
}

}  // namespace sockhook::testing
