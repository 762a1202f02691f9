#include "protocol/webhook/names.h"

#include "protocol/websocket/utf8.h"

namespace sockhook::webhook {

namespace {

bool has_control_character(std::string_view utf8) {
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    // U+0080 to U+009F
    if (byte == 0xC2 && static_cast<unsigned char>(utf8[i + 1]) < 0xA0) return true;
  }
  return false;
}

}  // namespace

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && websocket::is_valid_utf8(name) &&
         !has_control_character(name);
}

}  // namespace sockhook::webhook
