#include "backplane/memory_claims.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "protocol/base/check.h"

namespace sockhook::backplane {

std::size_t MemoryClaims::DigestHash::operator()(const Digest& digest) const noexcept {
  std::size_t hash = 0;  // any part of a cryptographic digest is a good hash
  std::memcpy(&hash, digest.data(), sizeof(hash));
  return hash;
}

std::uint64_t MemoryClaims::steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

void MemoryClaims::claim(const Claim& claim, std::uint64_t ticket, ClaimListener* listener) {
  forget_expired();
  const auto found = records_.find(claim.key);
  if (found == records_.end()) {
    if (records_.size() >= max_records_) {
      listener->on_claim(ticket, ClaimResult::kUnavailable, {});
      return;
    }
    records_.emplace(claim.key, Record{claim.fingerprint, {}, {}});
    listener->on_claim(ticket, ClaimResult::kMine, {});
    return;
  }
  Record& record = found->second;
  if (record.fingerprint != claim.fingerprint) {
    listener->on_claim(ticket, ClaimResult::kConflict, {});
  } else if (record.answer) {
    // A copy: the listener may call back and move the record.
    const RememberedAnswer answer = *record.answer;
    listener->on_claim(ticket, ClaimResult::kRemembered, answer);
  } else {
    record.waiters.push_back({ticket, listener});
  }
}

void MemoryClaims::settle(const Digest& key, const RememberedAnswer& answer) {
  const auto found = records_.find(key);
  SOCKHOOK_CHECK(found != records_.end() && !found->second.answer);
  const std::vector<Waiter> waiters = std::exchange(found->second.waiters, {});
  found->second.answer = answer;
  expiries_.push_back({clock_() + kRememberMs, key});
  for (const Waiter& waiter : waiters) {
    waiter.listener->on_claim(waiter.ticket, ClaimResult::kRemembered, answer);
  }
}

void MemoryClaims::abandon(const Digest& key) {
  const auto found = records_.find(key);
  SOCKHOOK_CHECK(found != records_.end() && !found->second.answer);
  std::vector<Waiter>& waiters = found->second.waiters;
  if (waiters.empty()) {
    records_.erase(found);
    return;
  }
  const Waiter next = waiters.front();
  waiters.erase(waiters.begin());
  next.listener->on_claim(next.ticket, ClaimResult::kMine, {});
}

void MemoryClaims::forget_expired() {
  const std::uint64_t now_ms = clock_();
  while (!expiries_.empty() && expiries_.front().due_ms <= now_ms) {
    records_.erase(expiries_.front().key);
    expiries_.pop_front();
  }
}

}  // namespace sockhook::backplane
