// Headers and requests out of a fuzzer's bytes, as the parsers of our listeners would have let them
// through: what reads headers never sees others.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/http/http_message.h"
#include "protocol/http/http_parser.h"
#include "protocol/http/http_writer.h"
#include "tests/fuzz/input.h"

namespace sockhook::fuzz {

// "name: value" lines up to an empty one; lines that no parser lets through are left out.
inline http::Headers take_headers(Input& input) {
  http::Headers headers;
  for (std::string_view line = input.line(); !line.empty(); line = input.line()) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = http::trim(line.substr(colon + 1));
    if (http::is_token(name) && http::is_field_value(value)) headers.add(name, value);
  }
  return headers;
}

// One request that has been read to its end.
struct ReadRequest final : http::RequestListener {
  void on_head(http::RequestHead& new_head) override {
    head = std::move(new_head);
    has_head = true;
  }
  void on_body(std::string_view data) override { body += data; }
  void on_complete(http::Headers& new_trailers) override { trailers = std::move(new_trailers); }

  http::RequestHead head;
  bool has_head = false;
  std::string body;
  http::Headers trailers;
};

// A request's head with its line ends written as one wants; nothing where our parser refuses it.
inline std::optional<http::RequestHead> read_request_head(std::string_view lines) {
  std::string bytes;
  for (const char c : lines) {
    if (c == '\n' && !bytes.ends_with('\r')) bytes += '\r';
    bytes += c;
  }
  bytes += "\r\n\r\n";
  ReadRequest request;
  http::RequestParser parser(&request);
  parser.feed(bytes);
  if (!request.has_head) return std::nullopt;
  return std::move(request.head);
}

}  // namespace sockhook::fuzz
