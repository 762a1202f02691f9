#include "proxy/backend/pool_request.h"

#include <utility>

#include "protocol/base/check.h"
#include "proxy/backend/backend_pool.h"
#include "proxy/backend/pooled_connection.h"

namespace sockhook::backend {

Lease::Lease(Lease&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), permit_(std::move(other.permit_)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  discard();
  connection_ = std::exchange(other.connection_, nullptr);
  permit_ = std::move(other.permit_);
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

void Lease::report_good() {
  if (permit_) connection_->pool().report_good(std::move(permit_));
}

void Lease::report_failed(uint64_t retry_after_ms) {
  if (permit_) connection_->pool().report_failed(std::move(permit_), retry_after_ms);
}

void Lease::give_back() {
  permit_.drop();
  if (PooledConnection* held = std::exchange(connection_, nullptr)) held->pool().give_back(*held);
}

void Lease::discard() {
  permit_.drop();
  if (PooledConnection* held = std::exchange(connection_, nullptr)) held->pool().discard(*held);
}

void PoolRequest::cancel() {
  if (pool_ != nullptr) pool_->cancel(*this);
}

void PoolRequest::Patience::on_deadline(net::Deadline&) {
  request_.pool_->on_patience_ended(request_);
}

}  // namespace sockhook::backend
