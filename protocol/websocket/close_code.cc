#include "protocol/websocket/close_code.h"

#include "protocol/websocket/frame_format.h"
#include "protocol/websocket/utf8.h"

namespace sockhook::websocket {

bool is_valid_close_code(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

std::string_view truncate_close_reason(std::string_view reason) {
  return truncate_utf8(reason, kMaxCloseReasonBytes);
}

}  // namespace sockhook::websocket
