#include "proxy/keys/issuer_keys.h"

#include <chrono>
#include <utility>

namespace sockhook::keys {
namespace {

uint64_t steady_ms() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(duration_cast<milliseconds>(now).count());
}

}  // namespace

IssuerKeys::IssuerKeys(auth::KeySet keys)
    : min_interval_ms_(kMinIntervalMs),
      set_(std::make_shared<const auth::KeySet>(std::move(keys))) {}

IssuerKeys::Set IssuerKeys::current() const {
  const std::lock_guard lock(mutex_);
  return set_;
}

bool IssuerKeys::want_fresh(const Set& seen) {
  const std::lock_guard lock(mutex_);
  // Replaced since the caller looked: the message for that is still on its way to the caller.
  if (set_ != seen || is_under_way_) return true;
  const uint64_t now_ms = steady_ms();
  if (!ask_ || now_ms < next_ask_ms_ || !ask_(*this)) return false;
  next_ask_ms_ = now_ms + min_interval_ms_;
  is_under_way_ = true;
  return true;
}

void IssuerKeys::attach(Ask ask) {
  const std::lock_guard lock(mutex_);
  ask_ = std::move(ask);
}

void IssuerKeys::begin() {
  const std::lock_guard lock(mutex_);
  is_under_way_ = true;
}

void IssuerKeys::end(Set fresh) {
  const std::lock_guard lock(mutex_);
  if (fresh) set_ = std::move(fresh);
  is_under_way_ = false;
}

}  // namespace sockhook::keys
