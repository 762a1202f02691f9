// PooledConnection: one connection of a BackendPool, from its connect to its end.
//
//   kConnecting  an Attempt's connect is under way, that of TLS included; the deadline is
//                connect_timeout
//   kIdle        listed in the pool; the deadline is its idle age
//   kLeased      a Lease holds it; it may have broken meanwhile
//   kClosing     the stream is closing; on_connection_closed follows
//
// Owner: the BackendPool, which destroys it when it is closed and no lease holds it. Thread: the
// worker's.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/backend/address_set.h"
#include "proxy/backend/backend_dialer.h"
#include "proxy/http/client_connection.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/loop.h"

namespace sockhook::backend {

class BackendPool;

// The walk over the addresses for which one connection is wanted.
struct Attempt {
  uint64_t newest_ticket = 0;  // of those who waited when it began
  std::vector<AddressPtr> tried;
};

class PooledConnection final : private http::ClientConnectionOwner, private net::DeadlineListener {
 public:
  // Answers' heads may be larger than what we take from clients: cookies, policies.
  static constexpr std::size_t kAnswerHeadBytes = 64 * 1024;

  PooledConnection(net::Loop& loop, BackendPool& pool, const BackendDialer& dialer,
                   AddressPtr address);
  ~PooledConnection();
  PooledConnection(const PooledConnection&) = delete;
  PooledConnection& operator=(const PooledConnection&) = delete;

  // Starts to connect; false when it failed at once: it is closing then.
  bool connect(Attempt attempt, uint64_t timeout_ms);
  void become_idle(uint64_t timeout_ms);
  void become_leased();
  // Out of any state. A running exchange ends without an event.
  void close();

  bool is_connecting() const { return state_ == State::kConnecting; }
  bool is_idle() const { return state_ == State::kIdle; }
  bool is_leased() const { return state_ == State::kLeased; }
  bool is_gone() const { return http_ == nullptr; }
  // It can carry a request.
  bool is_usable() const { return http_ != nullptr && http_->is_idle(); }
  // The present lease is not its first one, or it has been idle.
  bool is_reused() const { return is_reused_; }
  uint64_t connect_us() const { return connect_us_; }

  BackendPool& pool() const { return pool_; }
  BackendAddress& address() const { return *address_; }
  http::ClientConnection& http() const { return *http_; }
  Attempt& attempt() { return attempt_; }

  bool has_permit = false;  // the pool's bookkeeping

 private:
  enum class State : std::uint8_t { kConnecting, kIdle, kLeased, kClosing };

  void enter(State state);
  // http::ClientConnectionOwner
  void on_connected(http::ClientConnection& connection, int error) override;
  void on_unusable(http::ClientConnection& connection) override;
  void on_closed(http::ClientConnection& connection) override;
  // net::DeadlineListener
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  BackendPool& pool_;
  const BackendDialer& dialer_;
  AddressPtr address_;
  std::unique_ptr<http::ClientConnection> http_;
  net::ConnectableStream* stream_;  // owned by http_; of use until it is connected
  net::Deadline deadline_{this};
  Attempt attempt_;
  State state_ = State::kClosing;
  bool is_reused_ = false;
  uint64_t began_us_ = 0;
  uint64_t connect_us_ = 0;
};

}  // namespace sockhook::backend
