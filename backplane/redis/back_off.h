// BackOff: how long to wait before the next attempt: 100 ms doubling to 1 s, of which a random
// half, so that nodes which lost the same server do not return as a herd.
//
// The limit of 1 s is what lets memberships be repaired within 5 s of Redis' return (contract 8).

#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

namespace sockhook::redis {

class BackOff {
 public:
  static constexpr std::uint64_t kFirstMs = 100;
  static constexpr std::uint64_t kMaxMs = 1'000;

  // Between half of the step and all of it; the next step is twice as long.
  std::uint64_t next_ms() {
    const std::uint64_t step = step_ms_;
    step_ms_ = std::min(step_ms_ * 2, kMaxMs);
    return std::uniform_int_distribution<std::uint64_t>(step / 2, step)(random_);
  }
  void reset() { step_ms_ = kFirstMs; }

 private:
  std::uint64_t step_ms_ = kFirstMs;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace sockhook::redis
