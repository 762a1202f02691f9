#include "protocol/http/percent.h"

#include <algorithm>

namespace sockhook::http {

namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

void append_escape(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 0x0F];
}

// The byte that the escape at `text[i]` stands for, or -1.
int escape_at(std::string_view text, std::size_t i) {
  if (text.size() - i < 3) return -1;
  const int high = hex_digit(text[i + 1]);
  const int low = hex_digit(text[i + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

struct DecodeRules {
  bool keep_malformed;
  bool plus_is_space;
};

std::optional<std::string> decode(std::string_view text, DecodeRules rules) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && rules.plus_is_space) {
      result += ' ';
    } else if (text[i] != '%') {
      result += text[i];
    } else if (const int byte = escape_at(text, i); byte >= 0) {
      result += static_cast<char>(byte);
      i += 2;
    } else if (rules.keep_malformed) {
      result += '%';
    } else {
      return std::nullopt;
    }
  }
  return result;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
  return decode(text, {.keep_malformed = false, .plus_is_space = false});
}

std::string percent_decode_leniently(std::string_view text) {
  return *decode(text, {.keep_malformed = true, .plus_is_space = false});
}

std::optional<std::string> decode_query_component(std::string_view text) {
  return decode(text, {.keep_malformed = false, .plus_is_space = true});
}

std::string percent_encode(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      result += c;
    } else {
      append_escape(result, c);
    }
  }
  return result;
}

void append_cloudevents_value(std::string& out, std::string_view text) {
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '%'; };
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_plain);
    out.append(text.begin(), end);
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    if (text.empty()) return;
    append_escape(out, text.front());
    text.remove_prefix(1);
  }
}

std::string cloudevents_value(std::string_view text) {
  std::string result;
  append_cloudevents_value(result, text);
  return result;
}

}  // namespace sockhook::http
