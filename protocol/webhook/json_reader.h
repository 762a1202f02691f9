// JsonReader: takes one JSON text (RFC 8259) apart, token by token.
//
// Strict and complete: whoever takes all tokens has checked the whole text, which simdjson's
// on-demand reader does not do (it passes over `{"a":"b":"c"}`, and over numbers that it is not
// asked for). Nothing is converted: numbers of any size are text, and surrogates need not be
// paired, as the grammar allows and browsers send.
//
// Owner: a stack frame. The text must be valid UTF-8 and outlive the reader.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sockhook::webhook {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  // Skips spaces; the next character, or NUL at the end.
  char peek();
  // Takes that character if it is the next one behind spaces.
  bool take(char c);
  // Nothing but spaces is left.
  bool is_at_end();

  struct String {
    std::string_view raw;  // what stands between the quotes
    bool has_escapes = false;
  };
  // Each takes its token if it is the next one; nullopt is a text that is no JSON.
  std::optional<String> take_string();
  std::optional<std::string_view> take_number();
  bool take_word(std::string_view word);  // true, false, null

 private:
  std::string_view rest_;
};

// Appends what a string with escapes means; false where that is no text (a lone surrogate).
bool append_unescaped(std::string& out, std::string_view raw);

}  // namespace sockhook::webhook
