#include "protocol/websocket/subprotocols.h"

#include <algorithm>

#include "protocol/http/http_message.h"

namespace sockhook::websocket {
namespace {

bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

}  // namespace

bool add_offered_subprotocols(std::string_view line, Subprotocols& offered) {
  for (;;) {
    const std::size_t comma = line.find(',');
    const std::string_view name = http::trim(line.substr(0, comma));
    if (!is_token(name) || is_offered(offered, name)) return false;
    offered.push_back(name);
    if (comma == std::string_view::npos) return true;
    line.remove_prefix(comma + 1);
  }
}

bool is_offered(const Subprotocols& offered, std::string_view name) {
  return std::find(offered.begin(), offered.end(), name) != offered.end();
}

std::string_view choose_subprotocol(const Subprotocols& offered,
                                    std::span<const std::string> allowed) {
  for (const std::string_view name : offered) {
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) return name;
  }
  return {};
}

}  // namespace sockhook::websocket
