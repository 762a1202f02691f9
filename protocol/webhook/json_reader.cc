#include "protocol/webhook/json_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "protocol/http/percent.h"

namespace sockhook::webhook {

namespace {

constexpr std::uint64_t each_byte(std::uint8_t byte) { return 0x0101010101010101U * byte; }

// Non-zero when some byte of `word` is zero.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
  return (word - each_byte(0x01)) & ~word & each_byte(0x80);
}

bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

// How many bytes at the front of a string's content mean themselves.
std::size_t plain_length(std::string_view text) {
  std::size_t at = 0;
  for (std::uint64_t word = 0; text.size() - at >= sizeof word; at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t controls = (word - each_byte(0x20)) & ~word & each_byte(0x80);
    if ((controls | zero_bytes(word ^ each_byte('"')) | zero_bytes(word ^ each_byte('\\'))) != 0) {
      break;
    }
  }
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

constexpr std::size_t kUnicodeEscape = 6;

// The length of the escape that `text` begins with; 0 when it is malformed.
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2) return 0;
  if (text[1] != 'u') {
    return std::string_view("\"\\/bfnrt").find(text[1]) == std::string_view::npos ? 0 : 2;
  }
  if (text.size() < kUnicodeEscape) return 0;
  const std::string_view digits = text.substr(2, 4);
  const bool is_hex =
      std::all_of(digits.begin(), digits.end(), [](char c) { return http::hex_digit(c) >= 0; });
  return is_hex ? kUnicodeEscape : 0;
}

std::size_t digits_at_front(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

// Of "\uXXXX".
std::uint32_t code_unit(std::string_view escape) {
  std::uint32_t unit = 0;
  for (const char digit : escape.substr(2, 4)) {
    unit = unit << 4U | static_cast<std::uint32_t>(http::hex_digit(digit));
  }
  return unit;
}

bool is_high_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(std::uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto append = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  const auto append_tail = [&](unsigned shift) { append(0x80 | (code_point >> shift & 0x3F)); };
  if (code_point < 0x80) return append(code_point);
  if (code_point < 0x800) {
    append(0xC0 | code_point >> 6U);
  } else if (code_point < 0x10000) {
    append(0xE0 | code_point >> 12U);
    append_tail(6);
  } else {
    append(0xF0 | code_point >> 18U);
    append_tail(12);
    append_tail(6);
  }
  append_tail(0);
}

// Takes one or two \uXXXX off the front of `raw`; false for a lone surrogate.
bool append_unicode_escape(std::string& out, std::string_view& raw) {
  std::uint32_t code_point = code_unit(raw);
  raw.remove_prefix(kUnicodeEscape);
  if (is_low_surrogate(code_point)) return false;
  if (is_high_surrogate(code_point)) {
    if (!raw.starts_with("\\u") || !is_low_surrogate(code_unit(raw))) return false;
    code_point = 0x10000 + ((code_point - 0xD800) << 10U) + (code_unit(raw) - 0xDC00);
    raw.remove_prefix(kUnicodeEscape);
  }
  append_utf8(out, code_point);
  return true;
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

}  // namespace

char JsonReader::peek() {
  std::size_t spaces = 0;
  while (spaces < rest_.size() && (rest_[spaces] == ' ' || rest_[spaces] == '\n' ||
                                   rest_[spaces] == '\r' || rest_[spaces] == '\t')) {
    ++spaces;
  }
  rest_.remove_prefix(spaces);
  return rest_.empty() ? '\0' : rest_.front();
}

bool JsonReader::take(char c) {
  if (peek() != c || rest_.empty()) return false;
  rest_.remove_prefix(1);
  return true;
}

bool JsonReader::is_at_end() {
  peek();
  return rest_.empty();
}

std::optional<JsonReader::String> JsonReader::take_string() {
  if (!take('"')) return std::nullopt;
  const std::string_view text = rest_;
  bool has_escapes = false;
  while (true) {
    rest_.remove_prefix(plain_length(rest_));
    if (!rest_.starts_with('\\')) break;
    has_escapes = true;
    const std::size_t escape = escape_length(rest_);
    if (escape == 0) return std::nullopt;
    rest_.remove_prefix(escape);
  }
  const std::size_t length = text.size() - rest_.size();
  if (!rest_.starts_with('"')) return std::nullopt;  // a control character, or the end
  rest_.remove_prefix(1);
  return String{text.substr(0, length), has_escapes};
}

std::optional<std::string_view> JsonReader::take_number() {
  peek();
  const std::string_view text = rest_;
  const auto take_digits = [&] {
    const std::size_t count = digits_at_front(rest_);
    rest_.remove_prefix(count);
    return count;
  };
  const auto take_one_of = [&](std::string_view characters) {
    const bool is_there =
        !rest_.empty() && characters.find(rest_.front()) != std::string_view::npos;
    if (is_there) rest_.remove_prefix(1);
    return is_there;
  };
  take_one_of("-");
  const bool begins_with_zero = rest_.starts_with('0');
  const std::size_t digits = take_digits();
  if (digits == 0 || (begins_with_zero && digits > 1)) return std::nullopt;
  if (take_one_of(".") && take_digits() == 0) return std::nullopt;
  if (take_one_of("eE")) {
    take_one_of("+-");
    if (take_digits() == 0) return std::nullopt;
  }
  return text.substr(0, text.size() - rest_.size());
}

bool JsonReader::take_word(std::string_view word) {
  peek();
  if (!rest_.starts_with(word)) return false;
  rest_.remove_prefix(word.size());
  return true;
}

bool append_unescaped(std::string& out, std::string_view raw) {
  while (!raw.empty()) {
    const std::size_t escape = std::min(raw.find('\\'), raw.size());
    out += raw.substr(0, escape);
    raw.remove_prefix(escape);
    if (raw.empty()) break;
    if (raw[1] == 'u') {
      if (!append_unicode_escape(out, raw)) return false;
    } else {
      out += simple_escape(raw[1]);
      raw.remove_prefix(2);
    }
  }
  return true;
}

}  // namespace sockhook::webhook
