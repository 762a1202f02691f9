// Requests as our listeners read them: guard, llhttp, framing; pipelined ones too.
//
// Checked: however the bytes are cut, the same requests come and the same bytes are left (where a
// head is wrong in two ways, it decides which one is told); what was read has no character that
// could mean something else to the next reader, and, written again, is read as the same.
//
// Byte 0: the limits; byte 1: the cuts; then what the client sends.

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/check.h"
#include "tests/fuzz/http_input.h"

namespace {

using namespace sockhook;
using fuzz::Cuts;
using fuzz::Input;

struct Story final : http::RequestListener {
  void on_head(http::RequestHead& head) override {
    check(head);
    text += head.method + " " + head.target + " " + std::to_string(head.minor_version);
    text += head.keep_alive ? " keep" : " close";
    text += head.expects_continue ? " expects" : "";
    text += head.wants_upgrade ? " upgrade\n" : "\n";
    http::write_headers(text, head.headers);
  }
  void on_body(std::string_view data) override { text += data; }
  void on_complete(http::Headers& trailers) override {
    text += "\ntrailers:\n";
    http::write_headers(text, trailers);
    ++completed;
  }
  static void check(const http::RequestHead& head);

  std::string text;
  int completed = 0;
};

void Story::check(const http::RequestHead& head) {
  SOCKHOOK_CHECK(http::is_token(head.method));
  SOCKHOOK_CHECK(head.target.starts_with('/') || head.target == "*");
  for (const char c : head.target) SOCKHOOK_CHECK(c > 0x20 || c < 0);
  for (const http::Header& header : head.headers) {
    SOCKHOOK_CHECK(http::is_token(header.name));
    SOCKHOOK_CHECK(http::is_field_value(header.value));
  }
  if (head.minor_version == 1) SOCKHOOK_CHECK(head.headers.count("Host") == 1);
  const bool is_chunked = head.framing.kind == http::BodyFraming::Kind::kChunked;
  SOCKHOOK_CHECK(!is_chunked || !head.headers.contains("Content-Length"));
  SOCKHOOK_CHECK(is_chunked == head.headers.contains("Transfer-Encoding"));
}

struct Ending {
  std::size_t consumed = 0;
  http::ParseState state = http::ParseState::kNeedMore;
};

// Up to three requests.
Ending read(Cuts cuts, const http::ParserLimits& limits, Story* story) {
  http::RequestParser parser(story, limits);
  Ending ending;
  while (!cuts.is_done()) {
    const std::string_view next = cuts.next();
    const std::vector<char> copy(next.begin(), next.end());
    std::string_view piece(copy.data(), copy.size());
    while (!piece.empty()) {
      const http::ParseResult result = parser.feed(piece);
      SOCKHOOK_CHECK(result.consumed <= piece.size());
      piece.remove_prefix(result.consumed);
      ending.consumed += result.consumed;
      ending.state = result.state;
      if (result.state == http::ParseState::kError) SOCKHOOK_CHECK(result.status >= 400);
      if (result.state == http::ParseState::kError) return ending;
      if (result.state == http::ParseState::kComplete) {
        if (story->completed == 3) return ending;
        parser.next_message();
        ending.state = http::ParseState::kNeedMore;
      } else {
        SOCKHOOK_CHECK(piece.empty());
      }
    }
  }
  return ending;
}

// What a head becomes when we write it is what it was.
void check_rewritten(std::string_view bytes) {
  fuzz::ReadRequest first;
  http::RequestParser parser(&first);
  parser.feed(bytes);
  if (!first.has_head) return;
  std::string written;
  http::write_request_head(written, first.head.method, first.head.target, first.head.headers);
  fuzz::ReadRequest second;
  http::RequestParser again(&second);
  const http::ParseResult result = again.feed(written);
  // Without a Host, HTTP/1.0's, it is none of version 1.1.
  if (first.head.minor_version == 0) return;
  SOCKHOOK_CHECK(result.state != http::ParseState::kError);
  SOCKHOOK_CHECK(second.head.method == first.head.method);
  SOCKHOOK_CHECK(second.head.target == first.head.target);
  SOCKHOOK_CHECK(second.head.headers == first.head.headers);
  SOCKHOOK_CHECK(second.head.framing == first.head.framing);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  http::ParserLimits limits;
  const std::uint8_t choice = input.byte();
  if ((choice & 1) != 0) limits.head_bytes = 128;
  if ((choice & 2) != 0) limits.header_count = 3;
  if ((choice & 4) != 0) limits.trailer_bytes = limits.chunk_overhead = 32;
  const std::uint8_t seed = input.byte();
  Story whole;
  Story cut;
  const Ending one = read(Cuts::whole(input.rest()), limits, &whole);
  const Ending other = read(Cuts(input.rest(), seed), limits, &cut);
  SOCKHOOK_CHECK(whole.text == cut.text);
  SOCKHOOK_CHECK(whole.completed == cut.completed);
  SOCKHOOK_CHECK(one.state == other.state);
  if (one.state != http::ParseState::kError) SOCKHOOK_CHECK(one.consumed == other.consumed);
  check_rewritten(input.rest());
  return 0;
}
