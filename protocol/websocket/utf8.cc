#include "protocol/websocket/utf8.h"

#include <simdjson.h>

#include <cstring>

namespace sockhook::websocket {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080;

// How many bytes at the front of `bytes` are ASCII, in steps of 8.
std::size_t skip_ascii(std::string_view bytes) {
  std::size_t at = 0;
  for (uint64_t word = 0; bytes.size() - at >= sizeof word; at += sizeof word) {
    std::memcpy(&word, bytes.data() + at, sizeof word);
    if ((word & kHighBits) != 0) break;
  }
  return at;
}

bool is_continuation(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; }

}  // namespace

bool Utf8Validator::consume(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (missing_ == 0) {
      at += skip_ascii(bytes.substr(at));
      if (at == bytes.size()) break;
    }
    const auto byte = static_cast<uint8_t>(bytes[at]);
    if (missing_ == 0) {
      if (!begin_character(byte)) return false;
    } else {
      if (byte < low_ || byte > high_) return false;
      --missing_;
      low_ = 0x80;
      high_ = 0xBF;
    }
  }
  return true;
}

// RFC 3629 section 4: only the second byte's range depends on the first one.
bool Utf8Validator::begin_character(uint8_t lead) {
  if (lead < 0x80) return true;
  if (lead < 0xC2 || lead > 0xF4) return false;
  missing_ = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  if (lead == 0xE0) low_ = 0xA0;   // shorter forms exist
  if (lead == 0xED) high_ = 0x9F;  // surrogates
  if (lead == 0xF0) low_ = 0x90;   // shorter forms exist
  if (lead == 0xF4) high_ = 0x8F;  // above U+10FFFF
  return true;
}

bool is_valid_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

std::string_view truncate_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end > 0 && is_continuation(text[end])) --end;
  return text.substr(0, end);
}

}  // namespace sockhook::websocket
