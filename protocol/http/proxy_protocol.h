// ProxyProtocolParser: the PROXY protocol, versions 1 and 2, in front of a connection.
//
// Owner: one freshly accepted connection, until kComplete. Thread: its owner's. Incremental; keeps
// at most kKeptBytes, whatever the peer announces. Source: haproxy's proxy-protocol.txt.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/http/cidr.h"

namespace sockhook::http {

class ProxyProtocolParser {
 public:
  static constexpr std::size_t kMaxV1Bytes = 107;
  // Announced length of a version 2 header: addresses and TLVs.
  static constexpr std::size_t kMaxV2Bytes = 4096;

  enum class State : std::uint8_t {
    kNeedMore,
    kComplete,
    kError,  // no PROXY header or a malformed one: the connection is closed
  };
  struct Progress {
    std::size_t consumed = 0;  // what follows belongs to TLS or HTTP
    State state = State::kNeedMore;
  };

  Progress feed(std::string_view data);

  // The client, after kComplete. nullopt (LOCAL, UNKNOWN, other families): the peer's own address.
  const std::optional<IpAddress>& source() const { return source_; }

 private:
  static constexpr std::size_t kV2HeaderBytes = 16;
  static constexpr std::size_t kKeptBytes = kMaxV1Bytes;

  State take(char c);
  State take_v1(char c);
  State take_v2();
  State finish_v1();
  State check_v2_header();
  State finish_v2();

  std::array<char, kKeptBytes> kept_{};
  std::size_t received_ = 0;
  std::size_t v2_total_ = 0;  // 0 until the fixed part of version 2 is complete
  std::optional<IpAddress> source_;
};

}  // namespace sockhook::http
