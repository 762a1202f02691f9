// Answers of backends as ClientConnection reads them.
//
// Checked: however the bytes are cut, the same answer comes; what was read is fit to be written
// again.
//
// Byte 0: the limits, and whether HEAD was asked; byte 1: the cuts; then what the backend sends.

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/check.h"
#include "protocol/http/header_rules.h"
#include "tests/fuzz/http_input.h"

namespace {

using namespace sockhook;
using fuzz::Cuts;
using fuzz::Input;

struct Story final : http::ResponseListener {
  void on_informational(const http::ResponseHead& head) override {
    SOCKHOOK_CHECK(head.is_informational() && head.status != 101);
    add(head);
  }
  void on_head(http::ResponseHead& head) override {
    SOCKHOOK_CHECK(!head.is_informational() || head.status == 101);
    add(head);
  }
  void on_body(std::string_view data) override { text += data; }
  void on_complete(http::Headers& trailers) override {
    text += "\ntrailers:\n";
    http::write_headers(text, trailers);
  }
  void add(const http::ResponseHead& head) {
    SOCKHOOK_CHECK(head.status >= 100 && head.status <= 999);
    SOCKHOOK_CHECK(http::is_field_value(head.reason));
    for (const http::Header& header : head.headers) {
      SOCKHOOK_CHECK(http::is_token(header.name));
      SOCKHOOK_CHECK(http::is_field_value(header.value));
    }
    for (const http::Header& header : http::end_to_end_answer(head.headers)) {
      SOCKHOOK_CHECK(!http::is_hop_by_hop(header.name));
      SOCKHOOK_CHECK(!http::equals_ignoring_case(header.name, "Content-Length"));
    }
    text += std::to_string(head.status) + head.reason + std::to_string(head.minor_version);
    text += head.keep_alive ? " keep\n" : " close\n";
    http::write_headers(text, head.headers);
  }

  std::string text;
};

http::ParseState read(Cuts cuts, const http::ParserLimits& limits, bool to_head, Story* story) {
  http::ResponseParser parser(story, limits);
  parser.next_message(to_head);
  http::ParseState state = http::ParseState::kNeedMore;
  while (!cuts.is_done()) {
    const std::string_view next = cuts.next();
    const std::vector<char> piece(next.begin(), next.end());
    const http::ParseResult result = parser.feed({piece.data(), piece.size()});
    SOCKHOOK_CHECK(result.consumed <= piece.size());
    state = result.state;
    if (state != http::ParseState::kNeedMore) return state;
    SOCKHOOK_CHECK(result.consumed == piece.size());
  }
  return parser.finish() ? http::ParseState::kComplete : state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  http::ParserLimits limits;
  const std::uint8_t choice = input.byte();
  if ((choice & 1) != 0) limits.head_bytes = 128;
  if ((choice & 2) != 0) limits.header_count = 3;
  if ((choice & 4) != 0) limits.trailer_bytes = limits.chunk_overhead = 32;
  const bool to_head = (choice & 8) != 0;
  const std::uint8_t seed = input.byte();
  Story whole;
  Story cut;
  const http::ParseState one = read(Cuts::whole(input.rest()), limits, to_head, &whole);
  const http::ParseState other = read(Cuts(input.rest(), seed), limits, to_head, &cut);
  SOCKHOOK_CHECK(one == other);
  SOCKHOOK_CHECK(whole.text == cut.text);
  return 0;
}
