#include "proxy/observe/exposition.h"

#include <cstdio>

namespace sockhook::observe {
namespace {

std::string decimal(double value) {
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%.15g", value);
  return digits;
}

}  // namespace

void Exposition::begin(Family family) {
  const MetricFamily& row = metric_families()[family];
  name_ = row.name;
  text_.append("# HELP ").append(name_).append(" ").append(row.help).append("\n# TYPE ");
  text_.append(name_).append(" ").append(row.type).append("\n");
}

void Exposition::sample(Labels labels, double value) { line("", labels, {}, decimal(value)); }

void Exposition::histogram(Labels labels, const std::vector<const Histogram*>& shards) {
  uint64_t count = 0;
  uint64_t sum_us = 0;
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    for (const Histogram* shard : shards) count += shard->in_bucket(bucket);
    const bool is_last = bucket == Histogram::kBoundsUs.size();
    const std::string bound =
        is_last ? "+Inf" : decimal(static_cast<double>(Histogram::kBoundsUs[bucket]) / 1e6);
    line("_bucket", labels, {"le", bound}, std::to_string(count));
  }
  for (const Histogram* shard : shards) sum_us += shard->sum_us();
  line("_sum", labels, {}, decimal(static_cast<double>(sum_us) / 1e6));
  line("_count", labels, {}, std::to_string(count));
}

void Exposition::line(std::string_view suffix, Labels labels, Label extra, std::string_view value) {
  text_.append(name_).append(suffix);
  char separator = '{';
  const auto add = [&](const Label& label) {
    text_ += std::exchange(separator, ',');
    text_.append(label.first).append("=\"");
    append_escaped(label.second);
    text_ += '"';
  };
  for (const Label& label : labels) add(label);
  if (!extra.first.empty()) add(extra);
  if (separator == ',') text_ += '}';
  text_.append(" ").append(value).append("\n");
}

void Exposition::append_escaped(std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      text_ += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
}

}  // namespace sockhook::observe
