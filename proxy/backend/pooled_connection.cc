#include "proxy/backend/pooled_connection.h"

#include <uv.h>

#include <utility>

#include "proxy/backend/backend_pool.h"

namespace sockhook::backend {
namespace {

uint64_t now_us() { return uv_hrtime() / 1000; }

}  // namespace

PooledConnection::PooledConnection(net::Loop& loop, BackendPool& pool, const BackendDialer& dialer,
                                   AddressPtr address)
    : loop_(loop), pool_(pool), dialer_(dialer), address_(std::move(address)) {
  auto stream = dialer.make(*address_);
  stream_ = stream.get();
  http::ParserLimits limits;
  limits.head_bytes = kAnswerHeadBytes;
  http::ClientConnectionOwner* const owner = this;
  http_ = std::make_unique<http::ClientConnection>(std::move(stream), false, limits, owner);
}

PooledConnection::~PooledConnection() { SOCKHOOK_CHECK(is_gone()); }

// Connects and leases count as requests in flight.
void PooledConnection::enter(State state) {
  const auto counts = [](State s) { return s == State::kConnecting || s == State::kLeased; };
  if (counts(state_)) --address_->in_flight;
  if (counts(state)) ++address_->in_flight;
  state_ = state;
  deadline_.cancel();
}

bool PooledConnection::connect(Attempt attempt, uint64_t timeout_ms) {
  attempt_ = std::move(attempt);
  began_us_ = now_us();
  enter(State::kConnecting);
  if (stream_->connect(address_->address, http_.get()) != 0) {
    close();
    return false;
  }
  loop_.deadlines().arm(deadline_, timeout_ms);
  return true;
}

void PooledConnection::become_idle(uint64_t timeout_ms) {
  enter(State::kIdle);
  loop_.deadlines().arm(deadline_, timeout_ms);
}

void PooledConnection::become_leased() {
  is_reused_ = !is_connecting();
  enter(State::kLeased);
}

void PooledConnection::close() {
  enter(State::kClosing);
  if (is_gone() || http_->is_closing()) return;
  // The backend shall notice that nobody waits for the answer that it works on.
  http_->is_idle() ? http_->close() : http_->abort();
}

void PooledConnection::on_connected(http::ClientConnection&, int error) {
  if (state_ != State::kConnecting) return;
  connect_us_ = now_us() - began_us_;
  if (error != 0) {
    enter(State::kClosing);
    dialer_.log_failure(*address_, *stream_);
  }
  pool_.on_attempt_ended(*this, error == 0);
}

void PooledConnection::on_unusable(http::ClientConnection&) {
  if (state_ != State::kIdle) return;  // its holder is told, or has given it up
  enter(State::kClosing);
  pool_.on_idle_lost(*this);
}

void PooledConnection::on_closed(http::ClientConnection&) {
  http_.reset();
  pool_.on_connection_closed(*this);
}

void PooledConnection::on_deadline(net::Deadline&) {
  const bool was_connecting = is_connecting();
  close();
  if (was_connecting) {
    pool_.on_attempt_ended(*this, false);
  } else {
    pool_.on_idle_lost(*this);
  }
}

}  // namespace sockhook::backend
