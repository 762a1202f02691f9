#include "conf/reader/environment.h"

#include <cstdlib>

namespace sockhook::conf {
namespace {

struct Reference {
  std::string_view name;
  std::optional<std::string_view> fallback;
  std::size_t length = 0;  // of the whole ${...}
};

bool is_name_character(char c, bool is_first) {
  return (c >= 'A' && c <= 'Z') || c == '_' || (!is_first && c >= '0' && c <= '9');
}

// `text` begins with "${".
std::optional<Reference> parse_reference(std::string_view text) {
  std::size_t end = 2;
  while (end < text.size() && is_name_character(text[end], end == 2)) ++end;
  if (end == 2 || end == text.size()) return std::nullopt;
  Reference reference;
  reference.name = text.substr(2, end - 2);
  if (text[end] == '}') {
    reference.length = end + 1;
    return reference;
  }
  const std::size_t close = text.find('}', end);
  if (close == std::string_view::npos || !text.substr(end).starts_with(":-")) return std::nullopt;
  reference.fallback = text.substr(end + 2, close - end - 2);
  reference.length = close + 1;
  return reference;
}

}  // namespace

Result<std::string, std::string> substitute(std::string_view text, const Environment& environment) {
  std::string out;
  while (!text.empty()) {
    const std::size_t dollar = std::min(text.find('$'), text.size());
    out += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.starts_with("$${")) {
      out += "${";
      text.remove_prefix(3);
      continue;
    }
    const auto reference =
        text.starts_with("${") ? parse_reference(text) : std::optional<Reference>();
    if (!reference) {
      out += text.substr(0, 1);
      text.remove_prefix(text.empty() ? 0 : 1);
      continue;
    }
    const std::optional<std::string> value = environment(std::string(reference->name));
    const bool is_missing = !value || (value->empty() && reference->fallback);
    if (is_missing && !reference->fallback) return Failure{std::string(reference->name)};
    out += is_missing ? *reference->fallback : std::string_view(*value);
    text.remove_prefix(reference->length);
  }
  return out;
}

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace sockhook::conf
