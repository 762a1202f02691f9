// Lease, PoolRequest: what a BackendPool gives, and who asks it. See backend_pool.h.
//
// Owner: whoever talks to a backend. Thread: the pool's worker.

#pragma once

#include <cstddef>
#include <cstdint>

#include "conf/config.h"

namespace sockhook::http {
class ClientConnection;
}

namespace sockhook::backend {

class BackendPool;
class PooledConnection;

// A connection that its holder has for itself. Movable; destroying it discards the connection.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { discard(); }

  explicit operator bool() const { return connection_ != nullptr; }

  http::ClientConnection& connection() const;
  // Its `authority` is the Host, its `path_prefix` goes in front of the path.
  const conf::BackendUrl& url() const;
  // Its place in conf::Backend::urls.
  std::size_t url_index() const;
  // False: the connection has broken meanwhile.
  bool is_usable() const;
  // It has been idle: the backend may have closed it just before the request came.
  bool is_reused() const;
  // How long connecting took; 0 when reused.
  uint64_t connect_us() const;

  // For the next request: whoever waits may get it before this returns. Closes instead where the
  // connection says that it cannot be used again.
  void give_back();
  // Closes: the answer was not read to its end, or the connection is broken. Nothing follows to
  // whoever listened to it.
  void discard();

 private:
  friend class BackendPool;
  explicit Lease(PooledConnection* connection) : connection_(connection) {}

  PooledConnection* connection_ = nullptr;
};

enum class NoConnection : std::uint8_t {
  kUnreachable,  // each address refused, or did not accept in connect_timeout
  kNoAddress,    // the names resolve to nothing
};

enum class Priority : std::uint8_t { kLive, kBacklog };

// Embedded in whoever needs a connection. Destroying it cancels it.
class PoolRequest {
 public:
  PoolRequest(const PoolRequest&) = delete;
  PoolRequest& operator=(const PoolRequest&) = delete;

  bool is_waiting() const { return pool_ != nullptr; }
  void cancel();

  // Exactly one of these follows an acquire() that returned no lease, unless it is cancelled: from
  // the loop, never from inside acquire(). The request may acquire again, or be destroyed, in it.
  virtual void on_connection(Lease lease) = 0;
  virtual void on_no_connection(NoConnection why) = 0;

 protected:
  PoolRequest() = default;
  ~PoolRequest() { cancel(); }

 private:
  friend class BackendPool;
  friend class RequestQueue;
  PoolRequest* prev_ = nullptr;
  PoolRequest* next_ = nullptr;
  BackendPool* pool_ = nullptr;  // set while it waits
  uint64_t ticket_ = 0;          // in order of arrival
  Priority priority_ = Priority::kLive;
  bool wants_fresh_ = false;
  bool is_failed_ = false;  // its event is on the way
  NoConnection why_ = NoConnection::kUnreachable;
};

// Those who wait, in order: intrusive, so that waiting costs no allocation.
class RequestQueue {
 public:
  RequestQueue() = default;
  ~RequestQueue();
  RequestQueue(const RequestQueue&) = delete;
  RequestQueue& operator=(const RequestQueue&) = delete;

  void append(PoolRequest& request);
  void remove(PoolRequest& request);
  PoolRequest* first() const { return first_; }
  // The first that takes a connection which has been used before.
  PoolRequest* first_not_fresh() const;
  std::size_t size() const { return size_; }

 private:
  PoolRequest* first_ = nullptr;
  PoolRequest* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sockhook::backend
