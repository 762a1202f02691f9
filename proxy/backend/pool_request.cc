#include "proxy/backend/pool_request.h"

#include <utility>

#include "protocol/base/check.h"
#include "proxy/backend/backend_pool.h"
#include "proxy/backend/pooled_connection.h"

namespace sockhook::backend {

Lease::Lease(Lease&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  discard();
  connection_ = std::exchange(other.connection_, nullptr);
  return *this;
}

http::ClientConnection& Lease::connection() const {
  SOCKHOOK_CHECK(connection_ != nullptr && !connection_->is_gone());
  return connection_->http();
}

const conf::BackendUrl& Lease::url() const {
  return connection_->pool().backend().urls[url_index()];
}

std::size_t Lease::url_index() const { return connection_->address().url; }

bool Lease::is_usable() const { return connection_->is_usable(); }

bool Lease::is_reused() const { return connection_->is_reused(); }

uint64_t Lease::connect_us() const { return is_reused() ? 0 : connection_->connect_us(); }

void Lease::give_back() {
  if (PooledConnection* held = std::exchange(connection_, nullptr)) held->pool().give_back(*held);
}

void Lease::discard() {
  if (PooledConnection* held = std::exchange(connection_, nullptr)) held->pool().discard(*held);
}

void PoolRequest::cancel() {
  if (pool_ != nullptr) pool_->cancel(*this);
}

RequestQueue::~RequestQueue() { SOCKHOOK_CHECK(first_ == nullptr); }

void RequestQueue::append(PoolRequest& request) {
  request.prev_ = last_;
  request.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &request;
  last_ = &request;
  ++size_;
}

void RequestQueue::remove(PoolRequest& request) {
  (request.prev_ != nullptr ? request.prev_->next_ : first_) = request.next_;
  (request.next_ != nullptr ? request.next_->prev_ : last_) = request.prev_;
  request.prev_ = request.next_ = nullptr;
  --size_;
}

PoolRequest* RequestQueue::first_not_fresh() const {
  PoolRequest* request = first_;
  while (request != nullptr && request->wants_fresh_) request = request->next_;
  return request;
}

}  // namespace sockhook::backend
