// SocketAddress: where a socket listens or connects to: an IP address with a port, or a unix path.

#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace sockhook::net {

class SocketAddress {
 public:
  SocketAddress() = default;

  static SocketAddress from(const sockaddr* address, socklen_t length);
  static SocketAddress unix_path(const std::string& path);
  // `host` must be a literal IPv4 or IPv6 address; an invalid one gives an address that is_none().
  static SocketAddress ip(const std::string& host, uint16_t port);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }
  bool is_none() const { return length_ == 0; }
  bool is_unix() const { return family() == AF_UNIX; }
  uint16_t port() const;
  void set_port(uint16_t port);
  // "192.0.2.1:80", "[2001:db8::1]:80", "unix:/path".
  std::string to_string() const;

  friend bool operator==(const SocketAddress& a, const SocketAddress& b) {
    return a.to_string() == b.to_string();
  }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace sockhook::net
