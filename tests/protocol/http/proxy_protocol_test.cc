#include "protocol/http/proxy_protocol.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sockhook::http {
namespace {

using namespace std::string_literals;
using State = ProxyProtocolParser::State;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string v2(int command, int family, std::string_view rest) {
  std::string bytes = kSignature;
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(family);
  bytes += static_cast<char>(rest.size() >> 8);
  bytes += static_cast<char>(rest.size() & 0xFF);
  bytes += rest;
  return bytes;
}

const std::string kInetAddresses = "\xC0\x00\x02\x01\x0A\x00\x00\x01\x9C\x40\x01\xBB"s;

struct Outcome {
  State state = State::kNeedMore;
  std::size_t used = 0;
  std::string source;
};

Outcome parse(std::string_view bytes, std::size_t piece) {
  ProxyProtocolParser parser;
  Outcome outcome;
  while (outcome.used < bytes.size() && outcome.state == State::kNeedMore) {
    const auto progress = parser.feed(bytes.substr(outcome.used, piece));
    outcome.used += progress.consumed;
    outcome.state = progress.state;
  }
  outcome.source = parser.source() ? parser.source()->to_string() : "";
  return outcome;
}

class ProxyProtocol : public ::testing::TestWithParam<std::size_t> {
 protected:
  void expect_source(const std::string& header, std::string_view source) {
    const Outcome outcome = parse(header + "GET / HTTP/1.1", GetParam());
    EXPECT_EQ(outcome.state, State::kComplete) << header;
    EXPECT_EQ(outcome.used, header.size()) << header;
    EXPECT_EQ(outcome.source, source) << header;
  }
};

INSTANTIATE_TEST_SUITE_P(Pieces, ProxyProtocol, ::testing::Values(100000u, 1u, 5u));

TEST_P(ProxyProtocol, Version1NamesTheClient) {
  expect_source("PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n", "192.0.2.1");
  expect_source("PROXY TCP6 2001:db8::1 2001:db8::2 40000 443\r\n", "2001:db8::1");
}

TEST_P(ProxyProtocol, Version1UnknownMeansThePeerItself) {
  expect_source("PROXY UNKNOWN\r\n", "");
  expect_source("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "");
}

TEST_P(ProxyProtocol, Version2NamesTheClientAndSkipsWhatFollowsTheAddresses) {
  expect_source(v2(0x21, 0x11, kInetAddresses), "192.0.2.1");
  expect_source(v2(0x21, 0x11, kInetAddresses + std::string(2000, 't')), "192.0.2.1");
  std::string inet6(36, '\0');
  inet6[0] = 0x20;
  inet6[1] = 0x01;
  inet6[15] = 0x07;
  expect_source(v2(0x21, 0x21, inet6), "2001::7");
}

TEST_P(ProxyProtocol, Version2LocalAndOtherFamiliesMeanThePeerItself) {
  expect_source(v2(0x20, 0x00, ""), "");
  expect_source(v2(0x20, 0x11, kInetAddresses), "");
  expect_source(v2(0x21, 0x00, "tlv"), "");
  expect_source(v2(0x21, 0x31, std::string(216, 'u')), "");
}

TEST_P(ProxyProtocol, OtherBytesAreRefused) {
  for (const std::string& bytes : {
           "GET / HTTP/1.1\r\n"s,
           "PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\n"s,
           "PROXY TCP4 2001:db8::1 2001:db8::2 40000 443\r\n"s,
           "PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n"s,
           "PROXY TCP4 192.0.2.1 198.51.100.2 40000 443 1\r\n"s,
           "PROXY TCP4 192.0.2.1 198.51.100.2 70000 443\r\n"s,
           "PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n"s,
           "PROXY TCP4  192.0.2.1 198.51.100.2 40000 443\r\n"s,
           "PROXY TCP4 a b 1 2\r\n"s,
           "PROXY UDP4 192.0.2.1 198.51.100.2 40000 443\r\n"s,
           "PROXY \r\n"s,
           "PROXY UNKNOWN " + std::string(100, 'x') + "\r\n",
           "PROXY UNKNOWN " + std::string(1000, 'x'),
           "\r\n\r\nGET / HTTP/1.1"s,
           v2(0x11, 0x11, kInetAddresses),
           v2(0x22, 0x11, kInetAddresses),
           v2(0x21, 0x41, kInetAddresses),
           v2(0x21, 0x13, kInetAddresses),
           v2(0x21, 0x11, "short"),
           v2(0x21, 0x21, kInetAddresses),
           v2(0x21, 0x11, kInetAddresses + std::string(5000, 't')),
       }) {
    EXPECT_EQ(parse(bytes, GetParam()).state, State::kError) << bytes;
  }
}

TEST_P(ProxyProtocol, ACutHeaderWaits) {
  EXPECT_EQ(parse("PROXY TCP4 192.0", GetParam()).state, State::kNeedMore);
  EXPECT_EQ(parse(v2(0x21, 0x11, kInetAddresses).substr(0, 20), GetParam()).state,
            State::kNeedMore);
}

}  // namespace
}  // namespace sockhook::http
