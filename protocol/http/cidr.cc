#include "protocol/http/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sockhook::http {

namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kV4PrefixBits = 96;

}  // namespace

IpAddress IpAddress::from_v4_bytes(const std::uint8_t* four_bytes) {
  IpAddress address;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), address.bytes_.begin());
  std::copy_n(four_bytes, 4, address.bytes_.begin() + kV4Prefix.size());
  return address;
}

IpAddress IpAddress::from_v6_bytes(const std::uint8_t* sixteen_bytes) {
  IpAddress address;
  std::copy_n(sixteen_bytes, kBytes, address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton wants a terminated string and would stop at a NUL inside.
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof(terminated) || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  std::uint8_t bytes[kBytes];
  if (inet_pton(AF_INET, terminated, bytes) == 1) return from_v4_bytes(bytes);
  if (inet_pton(AF_INET6, terminated, bytes) == 1) return from_v6_bytes(bytes);
  return std::nullopt;
}

bool IpAddress::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes_.begin());
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[kV4Prefix.size()] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; }) &&
         bytes_.back() == 1;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  if (is_v4()) {
    inet_ntop(AF_INET, bytes_.data() + kV4Prefix.size(), text, sizeof(text));
  } else {
    inet_ntop(AF_INET6, bytes_.data(), text, sizeof(text));
  }
  return text;
}

std::size_t IpAddressHash::operator()(const IpAddress& address) const {
  const char* const bytes = reinterpret_cast<const char*>(address.bytes().data());
  return std::hash<std::string_view>()(std::string_view(bytes, IpAddress::kBytes));
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;

  // "::ffff:10.0.0.0/104" counts in 128 bits although the address is kept as IPv4.
  const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  const unsigned offset = dotted ? kV4PrefixBits : 0;
  Cidr cidr;
  cidr.network_ = *address;
  cidr.prefix_bits_ = IpAddress::kBytes * 8;
  if (slash == std::string_view::npos) return cidr;

  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      bits + offset > IpAddress::kBytes * 8) {
    return std::nullopt;
  }
  cidr.prefix_bits_ = bits + offset;
  return cidr;
}

bool Cidr::contains(const IpAddress& address) const {
  const std::size_t whole = prefix_bits_ / 8;
  const unsigned rest = prefix_bits_ % 8;
  const auto& a = address.bytes();
  const auto& b = network_.bytes();
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFFu << (8 - rest));
  return (a[whole] & mask) == (b[whole] & mask);
}

}  // namespace sockhook::http
