// Random: unpredictable bytes from the kernel, fetched in blocks. One per thread.

#pragma once

#include <sys/random.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "protocol/base/check.h"

namespace sockhook {

class Random {
 public:
  template <std::size_t N>
  std::array<uint8_t, N> bytes() {
    static_assert(N <= kBlockBytes);
    if (used_ + N > kBlockBytes) refill();
    std::array<uint8_t, N> result;
    std::memcpy(result.data(), block_.data() + used_, N);
    used_ += N;
    return result;
  }

  // Evenly distributed in [0, bound); the bias of a 64-bit remainder does not matter here.
  uint64_t below(uint64_t bound) {
    const auto raw = bytes<sizeof(uint64_t)>();
    uint64_t value = 0;
    std::memcpy(&value, raw.data(), raw.size());
    return value % bound;
  }

 private:
  static constexpr std::size_t kBlockBytes = 2048;

  void refill() {
    std::size_t filled = 0;
    while (filled < kBlockBytes) {
      const ssize_t got = ::getrandom(block_.data() + filled, kBlockBytes - filled, 0);
      SOCKHOOK_CHECK(got > 0);
      filled += static_cast<std::size_t>(got);
    }
    used_ = 0;
  }

  std::array<uint8_t, kBlockBytes> block_;
  std::size_t used_ = kBlockBytes;
};

}  // namespace sockhook
