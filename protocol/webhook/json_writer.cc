#include "protocol/webhook/json_writer.h"

#include "protocol/websocket/utf8.h"

namespace sockhook::webhook {

namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";
constexpr char kHexDigits[] = "0123456789abcdef";

void append_escaped(std::string& out, std::string_view utf8) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(utf8, begin, i - begin);
    begin = i + 1;
    switch (byte) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kHexDigits[byte >> 4U];
        out += kHexDigits[byte & 0x0FU];
    }
  }
  out.append(utf8, begin);
}

std::size_t length_by_lead_byte(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

std::string repaired(std::string_view text) {
  std::string utf8;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, length_by_lead_byte(text.front()));
    const bool is_valid = websocket::is_valid_utf8(character);
    utf8 += is_valid ? character : kReplacementCharacter;
    text.remove_prefix(is_valid ? character.size() : 1);
  }
  return utf8;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  if (websocket::is_valid_utf8(text)) {
    append_escaped(out, text);
  } else {
    append_escaped(out, repaired(text));
  }
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace sockhook::webhook
