// Selection expressions, and the messages that they are held against.
//
// Checked: a key is text, not empty, and does not begin with '$'; a mistake points into the
// expression; where nlohmann's parser takes a message, so do we, and a name of one segment has the
// text that it finds.
//
// Line 1: the expression; then the message.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "protocol/base/check.h"
#include "protocol/webhook/route_selector.h"
#include "protocol/websocket/utf8.h"
#include "tests/fuzz/input.h"

namespace {

using nlohmann::json;
using sockhook::webhook::MessageParser;
using sockhook::webhook::RouteSelector;
using sockhook::webhook::Selection;

constexpr std::string_view kOneName = "$request.body.";

// What RouteSelector takes, or more: nesting is limited to less.
bool is_shallow(std::string_view text) {
  std::size_t opened = 0;
  for (const char c : text) opened += c == '[' || c == '{';
  return opened <= RouteSelector::kMaxDepth;
}

void compare(std::string_view expression, std::string_view text, const Selection& selection) {
  // nlohmann's parser passes over a byte order mark, and takes NUL for the end.
  if (!is_shallow(text) || text.starts_with("\xEF\xBB\xBF") || text.find('\0') != text.npos) return;
  const json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) return;
  SOCKHOOK_CHECK(selection.is_json);
  if (!expression.starts_with(kOneName)) return;
  const std::string name(expression.substr(kOneName.size()));
  const bool is_simple = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == name.npos;
  if (!is_simple || !value.is_object() || !value.contains(name)) return;
  if (!value[name].is_string()) return;
  const auto& expected = value[name].get_ref<const std::string&>();
  if (expected.empty() || expected.starts_with('$')) {
    SOCKHOOK_CHECK(!selection.key);
  } else {
    SOCKHOOK_CHECK(selection.key == expected);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sockhook::fuzz::Input input(data, size);
  const std::string_view expression = input.line();
  const auto selector = RouteSelector::compile(expression);
  if (!selector) {
    SOCKHOOK_CHECK(selector.error().position <= expression.size());
    SOCKHOOK_CHECK(!selector.error().what.empty());
  }
  if (!sockhook::websocket::is_valid_utf8(input.rest())) return 0;
  // Memory of its own, so that reading over its end is seen.
  const std::string text(input.rest());
  static MessageParser parser;
  const auto& used = selector ? selector : RouteSelector::compile("$request.body.action");
  const Selection selection = used->select(text, parser);
  if (selection.key) {
    SOCKHOOK_CHECK(selection.is_json);
    SOCKHOOK_CHECK(!selection.key->empty() && !selection.key->starts_with('$'));
    if (sockhook::websocket::is_valid_utf8(expression)) {
      SOCKHOOK_CHECK(sockhook::websocket::is_valid_utf8(*selection.key));
    }
  }
  compare(selector ? expression : "$request.body.action", text, selection);
  return 0;
}
