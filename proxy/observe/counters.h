// The cells that metrics are made of: counters, gauges and histograms of one writer.
//
// Each cell belongs to one thread, which alone writes it with a relaxed load and store: no lock and
// no read-modify-write on the hot path. Any thread may read; a scrape sums the cells of all
// threads, so a total may lag by what is being written, and never goes back.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sockhook::observe {

class Counter {
 public:
  void add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void add(int64_t n) { set(value() + n); }
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Durations, from 100 us to 30 s.
class Histogram {
 public:
  static constexpr std::array<uint64_t, 17> kBoundsUs = {
      100,     250,     500,     1'000,     2'500,     5'000,     10'000,     25'000,    50'000,
      100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000};
  static constexpr std::size_t kBuckets = kBoundsUs.size() + 1;  // the last one: longer than all

  void observe_us(uint64_t us) {
    std::size_t bucket = 0;
    while (bucket < kBoundsUs.size() && us > kBoundsUs[bucket]) ++bucket;
    buckets_[bucket].add();
    sum_us_.add(us);
  }
  uint64_t in_bucket(std::size_t bucket) const { return buckets_[bucket].value(); }
  uint64_t sum_us() const { return sum_us_.value(); }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_us_;
};

// One counter for each value of an enum whose last enumerator is kCount.
template <typename Enum>
class CounterTable {
 public:
  static constexpr std::size_t kSize = static_cast<std::size_t>(Enum::kCount);
  Counter& operator[](Enum key) { return cells_[static_cast<std::size_t>(key)]; }
  const Counter& operator[](Enum key) const { return cells_[static_cast<std::size_t>(key)]; }

 private:
  std::array<Counter, kSize> cells_;
};

}  // namespace sockhook::observe
