// The metrics as Prometheus' text format 0.0.4.
//
// Sums the shards of all threads. Thread: the control's; any would do.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "proxy/observe/metrics.h"

namespace sockhook::observe {

// What is known at the time of the scrape and counted nowhere.
struct NodeFacts {
  std::string_view version = {};
  bool is_backplane_up = true;
  double backplane_loop_seconds = 0;  // in memory there is no way to go
  std::size_t nodes = 1;
  std::size_t operations_waiting = 0;  // in the stream that this node reads
  double operations_lag_seconds = 0;
};

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(const Metrics& metrics, const NodeFacts& facts);

// All families in the order of the text; docs/metrics.md has the same rows.
struct MetricFamily {
  std::string_view name;
  std::string_view type;    // counter, gauge or histogram
  std::string_view labels;  // "endpoint, result"
  std::string_view help;
};
std::span<const MetricFamily> metric_families();

}  // namespace sockhook::observe
