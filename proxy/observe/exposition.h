// Exposition: a text in Prometheus' format 0.0.4 that is being written, family by family.
//
// Owner: whoever answers a scrape. Any one thread.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/observe/counters.h"
#include "proxy/observe/metric_family.h"

namespace sockhook::observe {

class Exposition {
 public:
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;

  // What follows are samples of this family.
  void begin(Family family);
  void sample(Labels labels, uint64_t value) { line("", labels, {}, std::to_string(value)); }
  void sample(Labels labels, int64_t value) { line("", labels, {}, std::to_string(value)); }
  void sample(Labels labels, double value);
  // `shards` are histograms of the same thing, one for each thread.
  void histogram(Labels labels, const std::vector<const Histogram*>& shards);

  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view suffix, Labels labels, Label extra, std::string_view value);
  void append_escaped(std::string_view value);

  std::string_view name_;
  std::string text_;
};

}  // namespace sockhook::observe
