// Admission: the limits that hold for the node as a whole, counted across its workers.
//
// A socket on which no handshake has been admitted (not yet, or not any more) is a guest. Guests
// and connections together have a limit, so that clients which only hold sockets leave descriptors
// for backends, management and what else the node has open.
//
// A handshake enters, and the connection leaves when it ends. The user's place is taken later, when
// $connect has named the user. All of this happens once per connection, never per message, so one
// mutex serves.
//
// Owner: the Server. Any thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "conf/endpoint.h"
#include "protocol/http/cidr.h"

namespace sockhook::client {

enum class AdmissionResult {
  kAdmitted,
  kNodeFull,      // listen.public.connections: 503
  kEndpointFull,  // limits.connections: 503
  kAddressFull,   // limits.connections_per_ip: 429
  kUserFull,      // limits.connections_per_user: 429
};

class Admission {
 public:
  // `handshakes_per_second` of nothing: no limit. The bucket holds one second's worth.
  Admission(std::size_t node_connections, std::optional<double> handshakes_per_second);

  // Before any thread asks: how many sockets clients may have. Without it: any number.
  void limit_sockets(std::size_t most) { socket_cap_ = most; }

  // A guest comes, in any case; false: somebody has to go.
  [[nodiscard]] bool welcome_guest();
  void part_with_guest();

  // `now_ms` is a monotonic clock that all callers share.
  bool take_handshake(uint64_t now_ms);
  AdmissionResult enter(const conf::Endpoint& endpoint, const http::IpAddress& client);
  AdmissionResult enter_user(const conf::Endpoint& endpoint, std::string_view user);
  // Takes back an enter(), and with a user that was let in its place too.
  void leave(const conf::Endpoint& endpoint, const http::IpAddress& client, std::string_view user);

  std::size_t connections() const;

 private:
  using Counts = std::unordered_map<std::string, std::size_t>;
  static bool add(Counts& counts, const std::string& key, std::size_t cap);
  static void subtract(Counts& counts, const std::string& key);

  mutable std::mutex mutex_;
  const std::size_t node_cap_;
  std::size_t socket_cap_ = SIZE_MAX;
  const std::optional<double> handshake_rate_;
  double handshake_tokens_ = 0;
  uint64_t handshakes_at_ms_ = 0;
  std::size_t connections_ = 0;
  std::size_t guests_ = 0;
  Counts by_endpoint_;
  Counts by_address_;  // key: endpoint, space, address; only where there is a limit
  Counts by_user_;     // key: endpoint, space, user; only where there is a limit
};

}  // namespace sockhook::client
