// MemoryClaims: the claims of a cluster of one node. They live as long as the process.
//
// Bounded: kMaxRecords keys within two minutes. When they are all taken, new keys are
// kUnavailable until the oldest expires. A waiting claim is an open request of the caller's, which
// bounds their number.

#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "backplane/claim.h"

namespace sockhook::backplane {

class MemoryClaims {
 public:
  static constexpr std::size_t kMaxRecords = 256 * 1024;  // about 50 MiB when full
  using MonotonicMs = std::function<std::uint64_t()>;

  static std::uint64_t steady_ms();

  explicit MemoryClaims(MonotonicMs clock = steady_ms, std::size_t max_records = kMaxRecords)
      : clock_(std::move(clock)), max_records_(max_records) {}

  void claim(const Claim& claim, std::uint64_t ticket, ClaimListener* listener);
  void settle(const Digest& key, const RememberedAnswer& answer);
  void abandon(const Digest& key);

  std::size_t records() const { return records_.size(); }

 private:
  struct Waiter {
    std::uint64_t ticket;
    ClaimListener* listener;
  };
  struct Record {
    Digest fingerprint;
    std::optional<RememberedAnswer> answer;  // absent while the request runs
    std::vector<Waiter> waiters;
  };
  struct Expiry {
    std::uint64_t due_ms;
    Digest key;
  };
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };

  void forget_expired();

  MonotonicMs clock_;
  const std::size_t max_records_;
  std::unordered_map<Digest, Record, DigestHash> records_;
  std::deque<Expiry> expiries_;  // of the settled records, the first to expire in front
};

}  // namespace sockhook::backplane
