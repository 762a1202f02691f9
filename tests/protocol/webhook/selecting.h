// Runs selection expressions over texts in tests.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/webhook/route_selector.h"

namespace sockhook::webhook {

struct Selected {
  std::optional<std::string> key;
  bool is_json;

  friend bool operator==(const Selected&, const Selected&) = default;
};

// In memory of exactly the text's size: nothing may be read behind it.
inline Selected select(std::string_view expression, std::string_view text, MessageParser& parser) {
  const auto selector = RouteSelector::compile(expression);
  EXPECT_TRUE(selector) << expression;
  if (!selector) return {};
  const auto memory = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), memory.get());
  const Selection selection = selector->select({memory.get(), text.size()}, parser);
  return {selection.key ? std::optional(std::string(*selection.key)) : std::nullopt,
          selection.is_json};
}

inline Selected select(std::string_view expression, std::string_view text) {
  MessageParser parser;
  return select(expression, text, parser);
}

}  // namespace sockhook::webhook
