#include "bench/http_text.h"

#include <strings.h>

#include <charconv>

namespace bench {

std::optional<HttpMessage> read_http_message(std::string_view bytes) {
  constexpr std::string_view kLineEnd = "\r\n";
  const std::size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return std::nullopt;
  const std::string_view head = bytes.substr(0, head_end + kLineEnd.size());
  const std::size_t line_end = head.find(kLineEnd);
  HttpMessage message;
  message.start_line = head.substr(0, line_end);
  message.headers = head.substr(line_end + kLineEnd.size());
  std::size_t length = 0;
  const std::string_view text = find_header(message.headers, "Content-Length");
  std::from_chars(text.data(), text.data() + text.size(), length);
  const std::size_t body_begin = head.size() + kLineEnd.size();
  if (bytes.size() - body_begin < length) return std::nullopt;
  message.body = bytes.substr(body_begin, length);
  message.size = body_begin + length;
  return message;
}

std::string_view find_header(std::string_view headers, std::string_view name) {
  while (!headers.empty()) {
    const std::string_view line = headers.substr(0, headers.find("\r\n"));
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      std::string_view value = line.substr(name.size() + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      return value;
    }
    headers.remove_prefix(line.size() + 2);
  }
  return {};
}

}  // namespace bench
