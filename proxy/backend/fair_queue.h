// FairQueue: requests that wait for a connection, fair between clients: one with many requests does
// not push out those with one.
//
// Clients stand in a ring; whose turn it is has one request served and goes to the ring's end if it
// has more. A client that comes while it has a request in the queue lines that up behind its own.
// So whoever comes new waits for one request of each client at most, in the order in which they
// came; where each has only one, this is first come, first served.
//
// In the ring stands the first request of each client; the others hang on it as its followers.
//
// Owner: a BackendPool. Thread: the pool's worker.

#pragma once

#include <cstddef>
#include <unordered_map>

#include "proxy/backend/request_list.h"

namespace sockhook::backend {

class FairQueue {
 public:
  void append(PoolRequest& request);
  // Its turn has come.
  void take(PoolRequest& request);
  // It waits no longer; its client keeps the turn.
  void remove(PoolRequest& request);

  PoolRequest* first() const { return ring_.first(); }
  // The first that takes a connection which has been used before.
  PoolRequest* first_not_fresh() const;
  std::size_t size() const { return size_; }

 private:
  PoolRequest* leave_ring(PoolRequest& request);

  RequestList ring_;
  std::unordered_map<const void*, PoolRequest*> heads_;  // of clients that may have several
  std::size_t size_ = 0;
};

}  // namespace sockhook::backend
