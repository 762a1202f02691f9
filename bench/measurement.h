// What a load run measures: how many, how fast, and what it cost this process and the watched ones.

#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// Durations in logarithmic buckets, exact to 1.6 %.
class Latencies {
 public:
  void add(int64_t ns);
  // The duration, in microseconds, that `share` (0..1) of all do not exceed.
  double percentile_us(double share) const;

 private:
  static constexpr int kSubBits = 6;  // 64 buckets for each doubling
  std::array<uint64_t, 64 << kSubBits> counts_{};
  uint64_t total_ = 0;
};

// Of one stretch of time, or of several added up.
class Measurement {
 public:
  explicit Measurement(std::vector<pid_t> watched)
      : watched_(std::move(watched)), cpu_used_(1 + watched_.size()) {}

  void begin();
  void end();
  double seconds() const { return static_cast<double>(spent_ns_) / 1e9; }

  // The figures as members of a JSON object, CPU time divided by `count`.
  std::string to_json(uint64_t count) const;

 private:
  std::vector<int64_t> cpu_now() const;

  std::vector<pid_t> watched_;
  std::vector<int64_t> cpu_began_;  // of this process and then the watched ones
  std::vector<int64_t> cpu_used_;
  int64_t began_ns_ = 0;
  int64_t spent_ns_ = 0;
};

}  // namespace bench
