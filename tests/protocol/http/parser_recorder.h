// Feeds a parser, whole or cut into pieces, and writes down what its listener was told.

#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http/http_parser.h"

namespace sockhook::http::testing {

// Feeds `bytes` in pieces of at most `piece` bytes and adds up what was consumed.
template <typename Parser>
ParseResult feed_in_pieces(Parser& parser, std::string_view bytes, std::size_t piece) {
  ParseResult result;
  std::size_t used = 0;
  while (used < bytes.size()) {
    // A copy of exact size, so that the address sanitizer sees every read behind its end.
    const std::vector<char> copy(
        bytes.begin() + static_cast<std::ptrdiff_t>(used),
        bytes.begin() + static_cast<std::ptrdiff_t>(std::min(used + piece, bytes.size())));
    result = parser.feed(std::string_view(copy.data(), copy.size()));
    used += result.consumed;
    if (result.state != ParseState::kNeedMore) break;
  }
  result.consumed = used;
  return result;
}

struct RecordedRequest final : RequestListener {
  explicit RecordedRequest(const ParserLimits& limits = {}) : parser(this, limits) {}

  void on_head(RequestHead& new_head) override {
    head = new_head;
    ++heads;
  }
  void on_body(std::string_view data) override { body += data; }
  void on_complete(Headers& new_trailers) override {
    trailers = new_trailers;
    ++completed;
  }

  RequestParser parser;
  RequestHead head;
  std::string body;
  Headers trailers;
  int heads = 0;
  int completed = 0;
};

struct RecordedResponse final : ResponseListener {
  explicit RecordedResponse(const ParserLimits& limits = {}) : parser(this, limits) {}

  void on_informational(const ResponseHead& new_head) override {
    informational.push_back(new_head.status);
  }
  void on_head(ResponseHead& new_head) override { head = new_head; }
  void on_body(std::string_view data) override { body += data; }
  void on_complete(Headers& new_trailers) override {
    trailers = new_trailers;
    ++completed;
  }

  ResponseParser parser;
  std::vector<int> informational;
  ResponseHead head;
  std::string body;
  Headers trailers;
  int completed = 0;
};

// Whole, byte by byte, and a size in between that cuts line ends in the middle.
inline constexpr std::size_t kPieces[] = {1u << 20, 1, 7};

}  // namespace sockhook::http::testing
