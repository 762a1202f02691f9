#include "protocol/http/proxy_protocol.h"

#include <algorithm>

namespace sockhook::http {

namespace {

constexpr std::string_view kV1Signature = "PROXY ";
constexpr std::string_view kV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);

enum V2Command : std::uint8_t { kLocal = 0x20, kProxy = 0x21 };
enum V2Family : std::uint8_t { kUnspecified = 0, kInet = 1, kInet6 = 2, kUnix = 3 };

// Addresses and ports of source and destination.
constexpr std::size_t kInetBytes = 12;
constexpr std::size_t kInet6Bytes = 36;
constexpr std::size_t kUnixBytes = 216;

std::string_view take_word(std::string_view& line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  unsigned port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return port <= 65535;
}

}  // namespace

ProxyProtocolParser::Progress ProxyProtocolParser::feed(std::string_view data) {
  for (std::size_t i = 0; i < data.size(); ++i) {
    const State state = take(data[i]);
    if (state != State::kNeedMore) return {i + 1, state};
  }
  return {data.size(), State::kNeedMore};
}

ProxyProtocolParser::State ProxyProtocolParser::take(char c) {
  const std::size_t position = received_++;
  if (position < kept_.size()) kept_[position] = c;
  const bool is_v2 = kept_[0] == kV2Signature[0];
  const std::string_view signature = is_v2 ? kV2Signature : kV1Signature;
  if (position < signature.size()) {
    return c == signature[position] ? State::kNeedMore : State::kError;
  }
  return is_v2 ? take_v2() : take_v1(c);
}

ProxyProtocolParser::State ProxyProtocolParser::take_v1(char c) {
  if (c == '\n') return finish_v1();
  return received_ < kMaxV1Bytes ? State::kNeedMore : State::kError;
}

// "PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n"
ProxyProtocolParser::State ProxyProtocolParser::finish_v1() {
  std::string_view line(kept_.data(), received_);
  if (!line.ends_with("\r\n")) return State::kError;
  line.remove_suffix(2);
  line.remove_prefix(kV1Signature.size());

  const std::string_view family = take_word(line);
  if (family == "UNKNOWN") return State::kComplete;
  if (family != "TCP4" && family != "TCP6") return State::kError;
  const std::optional<IpAddress> source = IpAddress::parse(take_word(line));
  const std::optional<IpAddress> destination = IpAddress::parse(take_word(line));
  if (!source || !destination) return State::kError;
  if (family == "TCP4" && !(source->is_v4() && destination->is_v4())) return State::kError;
  const std::string_view source_port = take_word(line);
  if (!is_port(source_port) || !is_port(line)) return State::kError;
  source_ = source;
  return State::kComplete;
}

ProxyProtocolParser::State ProxyProtocolParser::take_v2() {
  if (received_ < kV2HeaderBytes) return State::kNeedMore;
  if (received_ == kV2HeaderBytes) {
    const State state = check_v2_header();
    if (state != State::kNeedMore) return state;
  }
  return received_ < v2_total_ ? State::kNeedMore : finish_v2();
}

ProxyProtocolParser::State ProxyProtocolParser::check_v2_header() {
  const auto byte = [this](std::size_t i) { return static_cast<std::uint8_t>(kept_[i]); };
  const std::size_t length = std::size_t{byte(14)} << 8 | byte(15);
  const std::uint8_t family = byte(13) >> 4;
  const std::uint8_t transport = byte(13) & 0x0F;
  if (byte(12) != kLocal && byte(12) != kProxy) return State::kError;
  if (length > kMaxV2Bytes || family > kUnix || transport > 2) return State::kError;
  if (byte(12) == kProxy) {
    constexpr std::size_t kNeeded[] = {0, kInetBytes, kInet6Bytes, kUnixBytes};
    if (length < kNeeded[family]) return State::kError;
  }
  v2_total_ = kV2HeaderBytes + length;
  return State::kNeedMore;
}

ProxyProtocolParser::State ProxyProtocolParser::finish_v2() {
  if (static_cast<std::uint8_t>(kept_[12]) == kLocal) return State::kComplete;
  const auto* const address = reinterpret_cast<const std::uint8_t*>(kept_.data()) + kV2HeaderBytes;
  switch (static_cast<std::uint8_t>(kept_[13]) >> 4) {
    case kInet:
      source_ = IpAddress::from_v4_bytes(address);
      break;
    case kInet6:
      source_ = IpAddress::from_v6_bytes(address);
      break;
    default:
      break;
  }
  return State::kComplete;
}

}  // namespace sockhook::http
