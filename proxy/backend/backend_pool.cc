#include "proxy/backend/backend_pool.h"

#include <algorithm>
#include <utility>

#include "protocol/base/check.h"
#include "proxy/backend/pooled_connection.h"

namespace sockhook::backend {

// ---- what the owner, its requests and their leases ask ----

BackendPool::BackendPool(net::Loop& loop, std::shared_ptr<const conf::Backend> backend,
                         BackendBudget& budget, PoolListener* listener, net::TlsContextPtr tls,
                         Breaker* breaker, uint64_t idle_ms)
    : loop_(loop),
      backend_(std::move(backend)),
      budget_(budget),
      breaker_(breaker),
      listener_(listener),
      timeout_ms_(static_cast<uint64_t>(backend_->connect_timeout.count())),
      idle_ms_(idle_ms),
      dialer_(loop, *backend_, std::move(tls)),
      addresses_(backend_->health.has_value()),
      lookups_(loop, backend_->urls, addresses_, this),
      checks_(loop, *backend_, dialer_, addresses_, this) {
  checks_.start();
}

BackendPool::~BackendPool() { SOCKHOOK_CHECK(is_closed_); }

Lease BackendPool::acquire(PoolRequest& request, const Wish& wish) {
  loop_.assert_thread();
  SOCKHOOK_CHECK(!request.is_waiting() && !is_closed_);
  Breaker::Permit permit;
  if (breaker_ != nullptr && wish.is_guarded) {
    permit = ask_breaker();
    if (!permit) {
      request.pool_ = this;
      tell_later(request, NoConnection::kBreakerOpen);
      return {};
    }
  }
  lookups_.refresh();
  if (!wish.fresh_only && !idle_.empty()) {
    const AddressPtr address = addresses_.choose(loop_.now_ms());
    PooledConnection* const idle = address != nullptr ? take_idle(*address) : nullptr;
    if (idle != nullptr) {
      idle->become_leased();
      return {idle, std::move(permit)};
    }
    next_address_ = address;
  }
  request.pool_ = this;
  request.is_failed_ = false;
  request.ticket_ = ++last_ticket_;
  request.wish_ = wish;
  request.permit_ = std::move(permit);
  queue_of(request).append(request);
  if (backend_->queue_timeout && wish.priority == Priority::kLive) {
    loop_.deadlines().arm(request.patience_.deadline,
                          static_cast<uint64_t>(backend_->queue_timeout->count()));
  }
  serve_waiting();
  next_address_.reset();
  return {};
}

void BackendPool::on_budget() {
  loop_.assert_thread();
  if (breaker_ != nullptr) refuse_waiting();
  if (is_in_line_ && budget_.take_granted(place_in_line_)) {
    is_in_line_ = false;
    ++permits_;
    if (waiting() > attempts_) {
      start_attempt({last_ticket_, {}});
    } else {
      return_permit();
    }
  }
  if (!idle_.empty() && budget_.should_yield(held(), waiting() > 0)) drop(*take_oldest_idle());
  serve_waiting();
}

void BackendPool::close() {
  loop_.assert_thread();
  if (std::exchange(is_closing_, true)) return;
  checks_.close();
  while (!idle_.empty()) drop(*take_oldest_idle());
  check_closed();
}

PoolStats BackendPool::stats() const { return {connections_.size(), idle_.size(), waiting()}; }

void BackendPool::cancel(PoolRequest& request) {
  leave_queue(request);
  request.pool_ = nullptr;
  request.permit_.drop();
  update_wish();
  check_closed();
}

void BackendPool::give_back(PooledConnection& connection) {
  loop_.assert_thread();
  const bool is_wanted_elsewhere = budget_.should_yield(held(), waiting() > 0);
  if (!connection.is_usable() || !connection.address().is_listed || is_wanted_elsewhere) {
    drop(connection);
  } else {
    put_to_use(connection);
  }
}

void BackendPool::discard(PooledConnection& connection) {
  loop_.assert_thread();
  drop(connection);
}

// ---- what happens to connections ----

void BackendPool::on_attempt_ended(PooledConnection& connection, bool is_connected) {
  --attempts_;
  if (is_connected) {
    addresses_.on_good(connection.address());
    put_to_use(connection);
    return;
  }
  addresses_.on_failed(connection.address(), loop_.now_ms());
  // The walk goes on with the permit of the connection that failed.
  connection.has_permit = false;
  Attempt attempt = std::move(connection.attempt());
  if (waiting() > attempts_) {
    start_attempt(std::move(attempt));
  } else {
    return_permit();
  }
  serve_waiting();
}

void BackendPool::on_idle_lost(PooledConnection& connection) {
  std::erase(idle_, &connection);
  if (connection.has_permit) ++closing_permits_;
}

void BackendPool::on_connection_closed(PooledConnection& connection) {
  if (std::exchange(connection.has_permit, false)) {
    if (!connection.is_leased()) --closing_permits_;
    return_permit();
  }
  if (connection.is_leased()) return;  // until the lease ends
  std::erase_if(connections_, [&](const auto& other) { return other.get() == &connection; });
  serve_waiting();
  check_closed();
}

// To the one who waits longest, or to the idle ones.
void BackendPool::put_to_use(PooledConnection& connection) {
  PoolRequest* const first = first_waiting();
  if (first == nullptr) {
    if (is_closing_ || budget_.should_yield(held(), false)) {
      drop(connection);
      return;
    }
    connection.become_idle(idle_ms_);
    idle_.push_back(&connection);
    return;
  }
  const bool is_new = connection.is_connecting();
  PoolRequest* const taker = is_new ? first : first_for_reused();
  // Who waits for a fresh one must not wait for ever behind those who take any.
  const bool makes_room = !is_new && first != taker && attempts_ == 0;
  if (taker == nullptr || makes_room) {
    drop(connection);
    return;
  }
  lease_to(*taker, connection);
}

void BackendPool::lease_to(PoolRequest& request, PooledConnection& connection) {
  queue_of(request).take(request);
  request.patience_.deadline.cancel();
  request.pool_ = nullptr;
  connection.become_leased();
  update_wish();
  // May acquire, give back and destroy requests.
  request.on_connection(Lease(&connection, std::move(request.permit_)));
}

// Closes a connection that is in no list of ours any more; it is destroyed when it has closed.
void BackendPool::drop(PooledConnection& connection) {
  connection.close();
  if (connection.is_gone()) {
    on_connection_closed(connection);
  } else if (connection.has_permit) {
    ++closing_permits_;
  }
}

// ---- what happens to requests ----

void BackendPool::serve_waiting() {
  if (std::exchange(is_serving_, true)) return;
  if (addresses_.empty() && !lookups_.is_busy()) {
    while (PoolRequest* request = first_waiting()) fail(*request, NoConnection::kNoAddress);
  }
  while (waiting() > attempts_ && !addresses_.empty()) {
    PoolRequest* const taker = first_for_reused();
    if (take_permit()) {
      start_attempt({last_ticket_, {}});
    } else if (taker != nullptr && !idle_.empty()) {
      PooledConnection& idle = *idle_.back();
      idle_.pop_back();
      lease_to(*taker, idle);
    } else if (!idle_.empty() && waiting() > attempts_ + closing_permits_) {
      drop(*take_oldest_idle());  // its permit is for the one who wants a fresh connection
    } else {
      break;
    }
  }
  is_serving_ = false;
  update_wish();
}

// Goes to the next address; the caller has taken a permit.
void BackendPool::start_attempt(Attempt attempt) {
  while (true) {
    AddressPtr address = next_address_ != nullptr
                             ? std::exchange(next_address_, nullptr)
                             : addresses_.choose(loop_.now_ms(), attempt.tried);
    if (address == nullptr) {
      fail_attempt(attempt);
      return;
    }
    attempt.tried.push_back(address);
    PoolRequest* const taker = first_for_reused();
    PooledConnection* const idle = taker != nullptr ? take_idle(*address) : nullptr;
    if (idle != nullptr) {
      return_permit();
      lease_to(*taker, *idle);
      return;
    }
    connections_.push_back(
        std::make_unique<PooledConnection>(loop_, *this, dialer_, std::move(address)));
    PooledConnection& connection = *connections_.back();
    if (connection.connect(std::move(attempt), timeout_ms_)) {
      connection.has_permit = true;
      ++attempts_;
      return;
    }
    addresses_.on_failed(connection.address(), loop_.now_ms());
    attempt = std::move(connection.attempt());
  }
}

// One dial, one request: the oldest of those that have waited for all of it.
void BackendPool::fail_attempt(const Attempt& attempt) {
  return_permit();
  for (FairQueue* queue : {&live_, &backlog_}) {
    PoolRequest* const oldest = queue->first();
    if (oldest == nullptr || oldest->ticket_ > attempt.newest_ticket) continue;
    fail(*oldest, NoConnection::kUnreachable);
    return;
  }
}

void BackendPool::fail(PoolRequest& request, NoConnection why) {
  leave_queue(request);
  tell_later(request, why);
  Breaker::Permit permit = std::move(request.permit_);
  const bool is_backends_fault =
      why == NoConnection::kUnreachable || why == NoConnection::kNoAddress;
  if (permit && is_backends_fault) report_failed(std::move(permit), 0);
}

void BackendPool::tell_later(PoolRequest& request, NoConnection why) {
  request.is_failed_ = true;
  request.why_ = why;
  failed_.append(request);
  loop_.deadlines().arm(soon_, 0);
}

void BackendPool::on_deadline(net::Deadline&) {
  // Not those who fail meanwhile.
  for (std::size_t left = failed_.size(); left > 0 && failed_.first() != nullptr; --left) {
    PoolRequest& request = *failed_.first();
    failed_.remove(request);
    request.pool_ = nullptr;
    request.on_no_connection(request.why_);
  }
  if (!is_finished() || failed_.first() != nullptr) return;
  is_closed_ = true;
  listener_->on_pool_closed(*this);  // destroys this
}

bool BackendPool::is_finished() const {
  return is_closing_ && connections_.empty() && waiting() == 0 && failed_.size() == 0 &&
         !checks_.is_running();
}

void BackendPool::check_closed() {
  if (is_finished()) loop_.deadlines().arm(soon_, 0);
}

// ---- addresses and checks ----

void BackendPool::on_lookup_ended() {
  // Idle connections to where the name no longer leads are of no use.
  for (std::size_t i = idle_.size(); i-- > 0;) {
    PooledConnection* const idle = idle_[i];
    if (idle->address().is_listed) continue;
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    drop(*idle);
  }
  serve_waiting();
}

void BackendPool::on_check_round() { lookups_.refresh(); }

void BackendPool::on_checks_closed() { check_closed(); }

// ---- bookkeeping ----

FairQueue& BackendPool::queue_of(const PoolRequest& request) {
  return request.wish_.priority == Priority::kLive ? live_ : backlog_;
}

void BackendPool::leave_queue(PoolRequest& request) {
  request.patience_.deadline.cancel();
  if (request.is_failed_) {
    failed_.remove(request);
  } else {
    queue_of(request).remove(request);
  }
}

PoolRequest* BackendPool::first_waiting() const {
  return live_.first() != nullptr ? live_.first() : backlog_.first();
}

PoolRequest* BackendPool::first_for_reused() const {
  PoolRequest* const request = live_.first_not_fresh();
  return request != nullptr ? request : backlog_.first_not_fresh();
}

PooledConnection* BackendPool::take_idle(const BackendAddress& address) {
  const auto found = std::find_if(idle_.rbegin(), idle_.rend(),
                                  [&](const auto* idle) { return &idle->address() == &address; });
  if (found == idle_.rend()) return nullptr;
  PooledConnection* const idle = *found;
  idle_.erase(std::next(found).base());
  return idle;
}

PooledConnection* BackendPool::take_oldest_idle() {
  PooledConnection* const oldest = idle_.front();
  idle_.erase(idle_.begin());
  return oldest;
}

bool BackendPool::take_permit() {
  if (!budget_.acquire()) return false;
  ++permits_;
  return true;
}

void BackendPool::return_permit() {
  --permits_;
  if (is_in_line_) budget_.want(place_in_line_, held());
  budget_.release();
}

void BackendPool::update_wish() {
  const bool wants = waiting() > attempts_ + closing_permits_ && !addresses_.empty();
  if (wants == is_in_line_) return;
  is_in_line_ = wants;
  if (wants) {
    budget_.want(place_in_line_, held());
  } else {
    budget_.unwant(place_in_line_);
  }
}

}  // namespace sockhook::backend
