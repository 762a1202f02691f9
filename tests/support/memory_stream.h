// MemoryStream: a net::Stream without a socket, for tests of what stands on streams.
//
// It is stricter than a socket: it checks the contract of net::Stream that its owner must keep.
// The test plays the peer and the loop: `deliver` and `deliver_end` are what the peer sends,
// `block` and `unblock` fill and drain the socket, `run_close` is the loop turn in which a closed
// stream reports on_closed (and in which its owner usually destroys it).

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/check.h"
#include "proxy/net/connectable_stream.h"

namespace sockhook::testing {

class MemoryStream final : public net::ConnectableStream {
 public:
  enum class Closing { kNo, kClosed, kReset };

  // What the peer saw, kept outside: it outlives the stream.
  struct Peer {
    std::string received;
    bool received_fin = false;
    Closing closing = Closing::kNo;
    bool is_destroyed = false;

    // Returns what came since the last call.
    std::string take() { return std::exchange(received, {}); }
  };

  explicit MemoryStream(Peer& peer) : peer_(peer) {}
  ~MemoryStream() override {
    SOCKHOOK_CHECK(is_closed_);
    peer_.is_destroyed = true;
  }

  // ---- the test's side ----

  // Bytes from the peer; kept until the owner reads.
  void deliver(std::string_view bytes) {
    incoming_ += bytes;
    pump();
  }
  // FIN (0), or an error, behind what was delivered.
  void deliver_end(int error = 0) {
    has_end_ = true;
    end_error_ = error;
    pump();
  }
  // From now on the socket is full.
  void block() { is_blocked_ = true; }
  void unblock() {
    is_blocked_ = false;
    const bool had_output = is_writing();
    flush();
    if (had_output && !is_closing()) listener_->on_writable();
  }
  // A write has failed: the peer has gone.
  void fail_write(int error) {
    queue_.clear();
    is_failed_ = true;
    if (!listener_->on_write_failed() && !is_reading_) listener_->on_end(error);
  }
  // The loop turn behind close(). Usually destroys the stream.
  void run_close() {
    SOCKHOOK_CHECK(is_closing() && !is_closed_);
    is_closed_ = true;
    listener_->on_closed();
  }
  // The connect has ended.
  void run_connected(int error) { std::exchange(connect_listener_, nullptr)->on_connected(error); }
  bool is_reading() const { return is_reading_; }
  net::StreamListener* listener() const { return listener_; }

  // ---- net::Stream ----

  int connect(const net::SocketAddress&, net::ConnectListener* listener) override {
    connect_listener_ = listener;
    return 0;
  }
  void set_listener(net::StreamListener* listener) override {
    SOCKHOOK_CHECK(!is_closing());
    listener_ = listener;
  }
  void start_reading() override {
    if (is_closing()) return;
    is_reading_ = true;
  }
  void stop_reading() override { is_reading_ = false; }
  void write(std::string_view head, std::string_view body) override {
    if (is_closing() || is_shutdown_ || is_failed_) return;
    queue_ += head;
    queue_ += body;
    ++writes_;
    if (!is_corked_) flush();
  }
  void write_shared(const net::SharedBytes& bytes) override { write(*bytes, {}); }
  std::size_t queued_bytes() const override { return queue_.size(); }
  bool is_writing() const override { return !queue_.empty(); }
  void cork() override { is_corked_ = true; }
  void uncork() override {
    is_corked_ = false;
    flush();
  }
  void shutdown() override {
    if (is_closing()) return;
    uncork();
    is_shutdown_ = true;
    flush();
  }
  void close() override { close_as(Closing::kClosed); }
  void reset() override { close_as(Closing::kReset); }
  bool is_closing() const override { return peer_.closing != Closing::kNo; }

  // Calls of write since the last call.
  int take_writes() { return std::exchange(writes_, 0); }
  // The owner began to read in an event: what had been delivered before comes now.
  void pump() {
    if (is_pumping_) return;
    is_pumping_ = true;
    while (is_reading_ && !is_closing() && !incoming_.empty()) {
      // Exactly as large as it is, so that the address sanitizer sees what is read behind it.
      const std::string bytes = std::exchange(incoming_, {});
      const std::vector<char> exact(bytes.begin(), bytes.end());
      listener_->on_read(std::string_view(exact.data(), exact.size()));
    }
    is_pumping_ = false;
    if (!has_end_ || !incoming_.empty() || !is_reading_ || is_closing()) return;
    has_end_ = false;
    is_reading_ = false;
    listener_->on_end(end_error_);
  }

 private:
  void flush() {
    if (is_blocked_ || is_closing()) return;
    peer_.received += std::exchange(queue_, {});
    peer_.received_fin = is_shutdown_;
  }
  void close_as(Closing how) {
    if (is_closing()) return;
    is_reading_ = false;
    peer_.closing = how;
  }

  Peer& peer_;
  net::StreamListener* listener_ = nullptr;
  net::ConnectListener* connect_listener_ = nullptr;
  std::string incoming_;
  std::string queue_;
  int writes_ = 0;
  int end_error_ = 0;
  bool has_end_ = false;
  bool is_reading_ = false;
  bool is_blocked_ = false;
  bool is_corked_ = false;
  bool is_shutdown_ = false;
  bool is_failed_ = false;
  bool is_closed_ = false;
  bool is_pumping_ = false;
};

}  // namespace sockhook::testing
