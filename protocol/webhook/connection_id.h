// ConnectionId: the name of a connection in the outside world (contract 3.5).
//
// 23 bytes as 31 base64url characters: 6 of the node's incarnation, 5 of worker and slot, 12 random
// ones. The node key says which node and incarnation holds the connection, so that a push needs
// no lookup; worker and slot are masked with a secret of the node, so that ids tell no counts.
//
// Values without heap memory; any thread. Randomness comes from the caller.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace sockhook::webhook {

// A node in one of its lives: random bytes, made at start. Tells nothing about the node.
struct NodeKey {
  std::array<std::uint8_t, 6> bytes{};

  friend bool operator==(const NodeKey&, const NodeKey&) = default;
};

enum class ConnectionIdError : std::uint8_t {
  kMalformed,  // not [A-Za-z0-9_-]{1,64}: 400
  kForeign,    // well-formed, but no node of ours has made it: gone, 410
};

class ConnectionId {
 public:
  static constexpr std::size_t kLength = 31;
  static constexpr std::size_t kMaxForeignLength = 64;
  static constexpr std::size_t kRandomBytes = 12;
  using Random = std::array<std::uint8_t, kRandomBytes>;

  // Names no connection.
  ConnectionId() { chars_.fill('A'); }

  // Success says only that some node may have made it: IdScheme::locate says whether this one did.
  static Result<ConnectionId, ConnectionIdError> parse(std::string_view text);

  std::string_view view() const { return {chars_.data(), kLength}; }
  std::string to_string() const { return std::string(view()); }
  NodeKey node_key() const;
  Random random() const;

  friend bool operator==(const ConnectionId&, const ConnectionId&) = default;
  friend auto operator<=>(const ConnectionId&, const ConnectionId&) = default;

 private:
  friend class IdScheme;

  std::array<char, kLength> chars_;
};

// Where the node keeps a connection.
struct ConnectionPlace {
  std::uint8_t worker = 0;
  std::uint32_t slot = 0;

  friend bool operator==(const ConnectionPlace&, const ConnectionPlace&) = default;
};

// Makes and reads the ids of one node's life. Immutable; made once at start.
class IdScheme {
 public:
  using Secret = std::array<std::uint8_t, 16>;

  IdScheme(const NodeKey& node_key, const Secret& secret);

  ConnectionId make(ConnectionPlace place, const ConnectionId::Random& random) const;
  // nullopt: of another node, or of this one before its restart. A forged id gives any place:
  // whoever is found there must be compared with the whole id.
  std::optional<ConnectionPlace> locate(const ConnectionId& id) const;

  const NodeKey& node_key() const { return node_key_; }

 private:
  std::uint64_t mask(const ConnectionId::Random& random) const;

  NodeKey node_key_;
  std::array<std::uint64_t, 2> secret_{};
};

}  // namespace sockhook::webhook

template <>
struct std::hash<sockhook::webhook::ConnectionId> {
  std::size_t operator()(const sockhook::webhook::ConnectionId& id) const noexcept {
    return std::hash<std::string_view>{}(id.view());
  }
};
