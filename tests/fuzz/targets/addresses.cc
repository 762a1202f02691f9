// Addresses and what proxies in front of us say of the client.
//
// Checked: an address is what it prints; nobody is believed who is not trusted; with trust, the
// client is somebody who stands in the header, or the peer.
//
// Line 1: an address or a CIDR; line 2: the peer; then headers.

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/check.h"
#include "protocol/http/cidr.h"
#include "protocol/http/forwarded.h"
#include "protocol/http/header_rules.h"
#include "tests/fuzz/http_input.h"

using namespace sockhook::http;
using sockhook::fuzz::Input;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::string_view text = input.line();
  if (const auto address = IpAddress::parse(text)) {
    SOCKHOOK_CHECK(IpAddress::parse(address->to_string()) == address);
    const auto cidr = Cidr::parse(text);
    SOCKHOOK_CHECK(cidr && cidr->contains(*address));
  }
  const auto peer = IpAddress::parse(input.line()).value_or(*IpAddress::parse("10.1.2.3"));
  const Headers headers = sockhook::fuzz::take_headers(input);
  SOCKHOOK_CHECK(resolve_forwarded(peer, headers, {}, "http").client == peer);
  SOCKHOOK_CHECK(resolve_forwarded(peer, headers, {}, "http").proto == "http");
  std::vector<Cidr> trusted = {*Cidr::parse("10.0.0.0/8"), *Cidr::parse("fd00::/8")};
  const auto cidr = Cidr::parse(text);
  if (cidr) trusted.push_back(*cidr);
  const Forwarded forwarded = resolve_forwarded(peer, headers, trusted, "https");
  SOCKHOOK_CHECK(forwarded.proto == "http" || forwarded.proto == "https");
  bool is_peer_trusted = false;
  for (const Cidr& network : trusted) is_peer_trusted |= network.contains(peer);
  if (!is_peer_trusted) SOCKHOOK_CHECK(forwarded.client == peer);
  if (!headers.contains("X-Forwarded-For")) SOCKHOOK_CHECK(forwarded.client == peer);
  return 0;
}
