// The small value types that all parts of the Config are made of.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sockhook::conf {

using Duration = std::chrono::milliseconds;

constexpr std::size_t operator""_KiB(unsigned long long n) { return n << 10U; }
constexpr std::size_t operator""_MiB(unsigned long long n) { return n << 20U; }

struct Percent {
  unsigned value = 0;  // 1 to 100
  bool operator==(const Percent&) const = default;
};

// Where a listener listens: a literal IP address with a port, or a unix socket.
struct Address {
  std::string host;  // "0.0.0.0", "::1" (no brackets); empty for a unix socket
  uint16_t port = 0;
  std::string unix_path;  // empty for TCP

  bool is_unix() const { return !unix_path.empty(); }
  bool is_loopback() const;       // a unix socket is none, but only this machine reaches it either
  std::string to_string() const;  // as it is written in the file
  bool operator==(const Address&) const = default;
};

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};

struct HostPort {
  std::string host;  // IPv6 without brackets
  uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};

// What is fetched from elsewhere by http or https.
struct HttpUrl {
  bool https = false;
  HostPort server;
  std::string authority;     // what the Host header says: "login.example.com", "[::1]:8080"
  std::string target = "/";  // path and query

  std::string to_string() const;  // without the query, which may hold a secret
  bool operator==(const HttpUrl&) const = default;
};

}  // namespace sockhook::conf
