// IpAddress and Cidr: addresses as values.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sockhook::http {

// 16 bytes; IPv4 is kept as ::ffff:a.b.c.d, so that a mapped address and the plain one are equal.
class IpAddress {
 public:
  static constexpr std::size_t kBytes = 16;

  // "::".
  IpAddress() = default;
  static IpAddress from_v4_bytes(const std::uint8_t* four_bytes);
  static IpAddress from_v6_bytes(const std::uint8_t* sixteen_bytes);
  // Strict: no brackets, port, zone, octal or short forms.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  bool is_loopback() const;
  // RFC 5952; IPv4 dotted.
  std::string to_string() const;
  const std::array<std::uint8_t, kBytes>& bytes() const { return bytes_; }

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

struct IpAddressHash {
  std::size_t operator()(const IpAddress& address) const;
};

class Cidr {
 public:
  // "10.0.0.0/8", "fd00::/8", or an address alone. Bits behind the prefix are ignored.
  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const;

  friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
  IpAddress network_;
  unsigned prefix_bits_ = 0;  // of the 128-bit form
};

}  // namespace sockhook::http
