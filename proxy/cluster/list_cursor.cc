#include "proxy/cluster/list_cursor.h"

#include <charconv>

namespace sockhook::cluster {

std::string to_hex(const backplane::NodeKey& key) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : key.bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<ListCursor> ListCursor::parse(std::string_view text) {
  ListCursor cursor;
  if (text.empty()) return cursor;
  const std::size_t digits = 2 * cursor.node.bytes.size();
  if (text.size() <= digits || text[digits] != '.') return {};
  for (std::size_t i = 0; i < cursor.node.bytes.size(); ++i) {
    const char* const begin = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, cursor.node.bytes[i], 16);
    if (error != std::errc() || end != begin + 2) return {};
  }
  cursor.place = text.substr(digits + 1);
  if (cursor.place.find_first_not_of("0123456789.") != std::string::npos) return {};
  return cursor;
}

}  // namespace sockhook::cluster
