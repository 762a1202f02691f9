#include "proxy/backend/breaker.h"

#include <algorithm>

namespace sockhook::backend {
namespace {

std::size_t percent_of(std::size_t count, unsigned percent) {
  return std::max<std::size_t>(1, (count * percent + 99) / 100);
}

}  // namespace

Breaker::Permit& Breaker::Permit::operator=(Permit&& other) noexcept {
  if (this == &other) return *this;
  drop();
  breaker_ = std::exchange(other.breaker_, nullptr);
  opening_ = other.opening_;
  is_probe_ = other.is_probe_;
  return *this;
}

void Breaker::Permit::drop() {
  Breaker* const breaker = std::exchange(breaker_, nullptr);
  if (breaker == nullptr || !is_probe_) return;
  const std::lock_guard lock(breaker->mutex_);
  breaker->has_probe_ = false;
}

Breaker::Breaker(const conf::Breaker& settings, std::function<uint64_t(uint64_t)> random_below)
    : of_(settings.of),
      too_many_(percent_of(settings.of, settings.failures.value)),
      first_open_ms_(static_cast<uint64_t>(settings.open.count())),
      random_below_(std::move(random_below)),
      outcomes_(settings.of),
      open_ms_(first_open_ms_) {}

Breaker::Permit Breaker::ask(uint64_t now_ms) {
  if (state_.load() == State::kClosed) return {this, openings_.load(), false};
  const std::lock_guard lock(mutex_);
  if (state_.load() == State::kClosed) return {this, openings_.load(), false};
  if (has_probe_ || now_ms < open_until_ms_.load()) return {};
  state_.store(State::kHalfOpen);
  has_probe_ = true;
  return {this, openings_.load(), true};
}

bool Breaker::succeeded(Permit permit) {
  // A good one among good ones changes nothing.
  if (!permit || (!permit.is_probe() && failures_.load() == 0)) return false;
  const std::lock_guard lock(mutex_);
  const bool is_news = permit.is_valid();
  const bool was_probe = permit.is_probe_;
  permit.breaker_ = nullptr;
  if (!was_probe) {
    if (is_news) note(false);
    return false;
  }
  has_probe_ = false;
  state_.store(State::kClosed);
  open_ms_ = first_open_ms_;
  return true;
}

bool Breaker::failed(Permit permit, uint64_t now_ms, uint64_t retry_after_ms) {
  if (!permit) return false;
  const std::lock_guard lock(mutex_);
  const bool is_news = permit.is_valid();
  const bool was_probe = permit.is_probe_;
  permit.breaker_ = nullptr;
  if (!is_news) return false;
  if (retry_after_ms > 0) asked_until_ms_ = std::max(asked_until_ms_, now_ms + retry_after_ms);
  if (was_probe) {
    has_probe_ = false;
  } else if (!note(true)) {
    return false;
  }
  open(now_ms);
  return true;
}

uint64_t Breaker::open_for_ms(uint64_t now_ms) const {
  const uint64_t until_ms = open_until_ms_.load();
  return state_.load() == State::kOpen && until_ms > now_ms ? until_ms - now_ms : 0;
}

// True: too many have failed.
bool Breaker::note(bool is_failure) {
  std::size_t failures = failures_.load();
  if (outcomes_[next_]) --failures;
  if (is_failure) ++failures;
  outcomes_[next_] = is_failure;
  next_ = (next_ + 1) % of_;
  failures_.store(failures);
  return failures >= too_many_;
}

void Breaker::open(uint64_t now_ms) {
  const uint64_t spread_ms = open_ms_ / 4;
  const uint64_t own_ms = open_ms_ - random_below_(spread_ms + 1);
  open_until_ms_.store(std::max(now_ms + own_ms, asked_until_ms_));
  open_ms_ = std::min(open_ms_ * 2, kMaxOpenMs);
  forget_all();
  openings_.fetch_add(1);
  state_.store(State::kOpen);
}

void Breaker::forget_all() {
  std::fill(outcomes_.begin(), outcomes_.end(), false);
  failures_.store(0);
}

}  // namespace sockhook::backend
