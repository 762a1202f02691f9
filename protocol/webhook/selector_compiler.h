// SelectorCompiler: reads a selection expression into a RouteSelector. Used by it alone.

#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/webhook/route_selector.h"

namespace sockhook::webhook {

class SelectorCompiler {
 public:
  explicit SelectorCompiler(std::string_view expression) : expression_(expression) {}
  Result<RouteSelector, SelectorMistake> compile();

 private:
  bool take_whole();
  bool take_braced();
  bool add_variable(std::size_t begin, std::size_t end);
  bool add_segment(RouteSelector::Path& path, std::size_t begin, std::size_t end);
  bool fail(std::size_t position, std::string_view what);

  std::string_view expression_;
  std::size_t at_ = 0;
  RouteSelector selector_;
  RouteSelector::Piece piece_;
  SelectorMistake mistake_;
};

}  // namespace sockhook::webhook
