// The PROXY protocol in front of a connection, both versions.
//
// Checked: however the bytes are cut, the same end, the same bytes used, the same address; never
// more used than the limits allow.
//
// Byte 0: the cuts; then what the balancer sends.

#include "protocol/http/proxy_protocol.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/base/check.h"
#include "tests/fuzz/input.h"

namespace {

using sockhook::fuzz::Cuts;
using sockhook::fuzz::Input;
using sockhook::http::IpAddress;
using sockhook::http::ProxyProtocolParser;

struct Story {
  std::size_t consumed = 0;
  ProxyProtocolParser::State state = ProxyProtocolParser::State::kNeedMore;
  std::optional<IpAddress> source;
};

Story read(Cuts cuts) {
  ProxyProtocolParser parser;
  Story story;
  while (!cuts.is_done() && story.state == ProxyProtocolParser::State::kNeedMore) {
    const std::string_view next = cuts.next();
    const std::vector<char> piece(next.begin(), next.end());
    const auto progress = parser.feed({piece.data(), piece.size()});
    SOCKHOOK_CHECK(progress.consumed <= piece.size());
    story.consumed += progress.consumed;
    story.state = progress.state;
  }
  if (story.state == ProxyProtocolParser::State::kComplete) story.source = parser.source();
  return story;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::uint8_t seed = input.byte();
  const Story one = read(Cuts::whole(input.rest()));
  const Story other = read(Cuts(input.rest(), seed));
  SOCKHOOK_CHECK(one.state == other.state);
  SOCKHOOK_CHECK(one.source == other.source);
  if (one.state == ProxyProtocolParser::State::kComplete) {
    SOCKHOOK_CHECK(one.consumed == other.consumed);
    SOCKHOOK_CHECK(one.consumed <= 16 + ProxyProtocolParser::kMaxV2Bytes);
  }
  return 0;
}
