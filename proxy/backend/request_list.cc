#include "proxy/backend/request_list.h"

#include <utility>

#include "protocol/base/check.h"
#include "proxy/backend/pool_request.h"

namespace sockhook::backend {

RequestList::~RequestList() { SOCKHOOK_CHECK(first_ == nullptr); }

void RequestList::append(PoolRequest& request) {
  request.prev_ = last_;
  request.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &request;
  last_ = &request;
  ++size_;
}

void RequestList::remove(PoolRequest& request) {
  (request.prev_ != nullptr ? request.prev_->next_ : first_) = request.next_;
  (request.next_ != nullptr ? request.next_->prev_ : last_) = request.prev_;
  request.prev_ = request.next_ = nullptr;
  --size_;
}

void RequestList::replace(PoolRequest& member, PoolRequest& request) {
  request.prev_ = std::exchange(member.prev_, nullptr);
  request.next_ = std::exchange(member.next_, nullptr);
  (request.prev_ != nullptr ? request.prev_->next_ : first_) = &request;
  (request.next_ != nullptr ? request.next_->prev_ : last_) = &request;
}

void RequestList::take_all(RequestList& other) {
  SOCKHOOK_CHECK(first_ == nullptr);
  first_ = std::exchange(other.first_, nullptr);
  last_ = std::exchange(other.last_, nullptr);
  size_ = std::exchange(other.size_, 0);
}

}  // namespace sockhook::backend
