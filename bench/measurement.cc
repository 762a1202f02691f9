#include "bench/measurement.h"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "bench/cpu_time.h"
#include "bench/socket.h"

namespace bench {

void Latencies::add(int64_t ns) {
  const auto value = static_cast<uint64_t>(std::max<int64_t>(ns, 1));
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - kSubBits - 1);
  // The top kSubBits+1 bits, the first of which is 1 where shift > 0.
  const uint64_t bucket = (static_cast<uint64_t>(shift) << kSubBits) + (value >> shift);
  ++counts_[std::min<std::size_t>(bucket, counts_.size() - 1)];
  ++total_;
}

double Latencies::percentile_us(double share) const {
  const auto wanted = static_cast<uint64_t>(share * static_cast<double>(total_));
  uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen <= wanted) continue;
    const std::size_t shift = bucket < (2U << kSubBits) ? 0 : (bucket >> kSubBits) - 1;
    const std::size_t top = bucket - (shift << kSubBits);
    return static_cast<double>(uint64_t{top} << shift) / 1000;
  }
  return 0;
}

void Measurement::begin() {
  cpu_began_ = cpu_now();
  began_ns_ = now_ns();
}

void Measurement::end() {
  spent_ns_ += now_ns() - began_ns_;
  const std::vector<int64_t> cpu_ended = cpu_now();
  for (std::size_t i = 0; i < cpu_used_.size(); ++i) cpu_used_[i] += cpu_ended[i] - cpu_began_[i];
}

std::vector<int64_t> Measurement::cpu_now() const {
  std::vector<int64_t> all = {own_cpu_ns()};
  for (const pid_t process : watched_) all.push_back(cpu_ns_of(process));
  return all;
}

std::string Measurement::to_json(uint64_t count) const {
  const auto per_one_us = [&](std::size_t i) {
    return static_cast<double>(cpu_used_[i]) / 1000 /
           static_cast<double>(std::max<uint64_t>(count, 1));
  };
  std::array<char, 256> text;
  std::snprintf(text.data(), text.size(),
                "\"count\": %llu, \"seconds\": %.3f, \"per_second\": %.0f, \"own_cpu_us\": %.3f",
                static_cast<unsigned long long>(count), seconds(),
                static_cast<double>(count) / seconds(), per_one_us(0));
  std::string json = text.data();
  json += ", \"watched_cpu_us\": [";
  for (std::size_t i = 1; i < cpu_used_.size(); ++i) {
    std::snprintf(text.data(), text.size(), "%s%.3f", i > 1 ? ", " : "", per_one_us(i));
    json += text.data();
  }
  return json + "]";
}

}  // namespace bench
