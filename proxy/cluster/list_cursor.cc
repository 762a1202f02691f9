#include "proxy/cluster/list_cursor.h"

namespace sockhook::cluster {

std::optional<ListCursor> ListCursor::parse(std::string_view text) {
  ListCursor cursor;
  if (text.empty()) return cursor;
  const std::size_t digits = 2 * cursor.node.bytes.size();
  if (text.size() <= digits || text[digits] != '.') return {};
  if (!read_hex(text, cursor.node.bytes)) return {};
  cursor.place = text.substr(digits + 1);
  if (cursor.place.find_first_not_of("0123456789.") != std::string::npos) return {};
  return cursor;
}

}  // namespace sockhook::cluster
