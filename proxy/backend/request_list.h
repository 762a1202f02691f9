// RequestList: PoolRequests in order. Intrusive, so that waiting costs no allocation.
//
// Owner: a BackendPool or a FairQueue; it is empty when it is destroyed. Thread: the pool's worker.

#pragma once

#include <cstddef>

namespace sockhook::backend {

class PoolRequest;

class RequestList {
 public:
  RequestList() = default;
  ~RequestList();
  RequestList(const RequestList&) = delete;
  RequestList& operator=(const RequestList&) = delete;

  void append(PoolRequest& request);
  void remove(PoolRequest& request);
  // `request` takes the place of `member`, which leaves.
  void replace(PoolRequest& member, PoolRequest& request);
  // Takes over all that `other` has; this one is empty.
  void take_all(RequestList& other);

  PoolRequest* first() const { return first_; }
  std::size_t size() const { return size_; }

 private:
  PoolRequest* first_ = nullptr;
  PoolRequest* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sockhook::backend
