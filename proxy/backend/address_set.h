// AddressSet: the addresses of one backend and which of them to use next (contract 4.7).
//
// Addresses come from `url`/`urls`: literal ones and unix paths as they are, names by DNS. The
// choice is the address with the fewest requests in flight of those that are in; equals take turns.
// An address goes out after kFailuresOut failed connects or checks in a row and is back after a
// good one; without health checks it is tried again after 5 s, doubling to 60 s; and when none is
// left, all are tried.
//
// Pure decisions over a clock that is passed in; dialling, resolving and checking are others' work.
// An address that DNS no longer names leaves the set at once and lives on, unlisted, only as long
// as a connection to it does.
//
// Owner: a BackendPool. Thread: its worker's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/net/socket_address.h"

namespace sockhook::backend {

struct BackendAddress {
  net::SocketAddress address;
  std::size_t url = 0;        // index into conf::Backend::urls: its Host and path prefix apply
  std::size_t in_flight = 0;  // requests, connects included
  unsigned failures = 0;      // in a row
  bool is_out = false;
  uint64_t retry_at_ms = 0;  // while out and without health checks
  uint64_t retry_delay_ms = 0;
  bool is_listed = true;
};

using AddressPtr = std::shared_ptr<BackendAddress>;

class AddressSet {
 public:
  static constexpr unsigned kFailuresOut = 3;
  static constexpr uint64_t kFirstRetryMs = 5'000;
  static constexpr uint64_t kMaxRetryMs = 60'000;

  explicit AddressSet(bool has_health_checks) : has_health_checks_(has_health_checks) {}

  // Replaces the addresses of one URL, keeping what is known of those that stay.
  void update(std::size_t url, const std::vector<net::SocketAddress>& addresses);

  // The address for the next request, or null when there is none. Those in `tried` are left out: a
  // request goes to each address at most once.
  AddressPtr choose(uint64_t now_ms, const std::vector<AddressPtr>& tried = {});

  void on_good(BackendAddress& address);
  void on_failed(BackendAddress& address, uint64_t now_ms);

  const std::vector<AddressPtr>& all() const { return addresses_; }
  bool empty() const { return addresses_.empty(); }

 private:
  const bool has_health_checks_;
  std::vector<AddressPtr> addresses_;
  std::size_t next_ = 0;
};

}  // namespace sockhook::backend
