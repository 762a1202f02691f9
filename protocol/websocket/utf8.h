// UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), whole and piecemeal.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sockhook::websocket {

// Validates a text that comes in pieces and fails at the first byte that no continuation can mend,
// as RFC 6455 section 8.1 wants and as Autobahn's section 6.4 checks. Copyable; 3 bytes.
class Utf8Validator {
 public:
  // False when the text up to the end of `bytes` cannot be the beginning of valid UTF-8; the
  // validator is then spent.
  bool consume(std::string_view bytes);

  // True when the text does not end inside a character.
  bool is_complete() const { return missing_ == 0; }

 private:
  bool begin_character(uint8_t lead);

  uint8_t missing_ = 0;  // continuation bytes that the current character still needs
  uint8_t low_ = 0x80;   // the range of the next one
  uint8_t high_ = 0xBF;
};

// For a text at hand: vectorised.
bool is_valid_utf8(std::string_view text);

// The longest prefix of valid UTF-8 `text` of at most `max_bytes` that ends on a character's
// border.
std::string_view truncate_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace sockhook::websocket
