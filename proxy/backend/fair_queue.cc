#include "proxy/backend/fair_queue.h"

#include "proxy/backend/pool_request.h"

namespace sockhook::backend {

void FairQueue::append(PoolRequest& request) {
  ++size_;
  if (request.wish_.client != nullptr) {
    const auto [head, is_first] = heads_.try_emplace(request.wish_.client, &request);
    if (!is_first) {
      request.is_follower_ = true;
      head->second->followers_.append(request);
      return;
    }
  }
  ring_.append(request);
}

void FairQueue::take(PoolRequest& request) {
  if (request.is_follower_) return remove(request);
  --size_;
  PoolRequest* const next = leave_ring(request);
  ring_.remove(request);
  if (next != nullptr) ring_.append(*next);
}

void FairQueue::remove(PoolRequest& request) {
  --size_;
  if (request.is_follower_) {
    request.is_follower_ = false;
    heads_.at(request.wish_.client)->followers_.remove(request);
    return;
  }
  if (PoolRequest* const next = leave_ring(request)) {
    ring_.replace(request, *next);
  } else {
    ring_.remove(request);
  }
}

// The client's next request, which is its first one from now on; null: it has no other.
PoolRequest* FairQueue::leave_ring(PoolRequest& request) {
  if (request.wish_.client == nullptr) return nullptr;
  PoolRequest* const next = request.followers_.first();
  if (next == nullptr) {
    heads_.erase(request.wish_.client);
    return nullptr;
  }
  request.followers_.remove(*next);
  next->is_follower_ = false;
  next->followers_.take_all(request.followers_);
  heads_[request.wish_.client] = next;
  return next;
}

PoolRequest* FairQueue::first_not_fresh() const {
  for (PoolRequest* head = ring_.first(); head != nullptr; head = head->next_) {
    if (!head->wish_.fresh_only) return head;
    PoolRequest* follower = head->followers_.first();
    while (follower != nullptr && follower->wish_.fresh_only) follower = follower->next_;
    if (follower != nullptr) return follower;
  }
  return nullptr;
}

}  // namespace sockhook::backend
