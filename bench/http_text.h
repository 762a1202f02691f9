// As much of HTTP/1.1 as two well-behaved ends need: a head, and a body of Content-Length bytes.

#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace bench {

struct HttpMessage {
  std::string_view start_line;
  std::string_view headers;  // whole lines
  std::string_view body;
  std::size_t size = 0;  // of all of it
};

// The message at the front of `bytes`, once all of it is there. Views into `bytes`.
std::optional<HttpMessage> read_http_message(std::string_view bytes);

// The first field of that name (whatever its case); empty when there is none.
std::string_view find_header(std::string_view headers, std::string_view name);

}  // namespace bench
