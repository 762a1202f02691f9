// The metrics as Prometheus' text format 0.0.4.
//
// Sums the shards of all threads. Thread: the control's; any would do.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/observe/metrics.h"

namespace sockhook::observe {

// What one jwks_file or jwks_url has come to.
struct KeyFacts {
  std::string source;  // nothing secret
  uint64_t good_reads = 0;
  uint64_t failed_reads = 0;
  std::size_t keys = 0;
  double age_seconds = 0;
};

struct BreakerFacts {
  std::string backend;
  unsigned state = 0;  // 0 closed, 1 half-open, 2 open
  uint64_t openings = 0;
};

// What is known at the time of the scrape and counted nowhere.
struct NodeFacts {
  std::string_view version = {};
  bool is_backplane_up = true;
  double backplane_loop_seconds = 0;  // in memory there is no way to go
  std::size_t nodes = 1;
  std::size_t operations_waiting = 0;  // in the stream that this node reads
  double operations_lag_seconds = 0;
  std::vector<KeyFacts> keys = {};
  std::vector<BreakerFacts> breakers = {};
};

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(const Metrics& metrics, const NodeFacts& facts);

}  // namespace sockhook::observe
