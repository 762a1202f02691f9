// The words in which nodes speak of their cluster: names with members, messages, records, leases.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/webhook/connection_id.h"

namespace sockhook::backplane {

using webhook::ConnectionId;
using webhook::NodeKey;

// The caller's own number for something it waits for; 0: nobody waits.
using Ticket = std::uint64_t;

struct NodeInfo {
  NodeKey key;
  std::string name;  // node.id

  friend bool operator==(const NodeInfo&, const NodeInfo&) = default;
};

// ---- names: groups and users are one name space each, for all endpoints (contract 7)

enum class NameKind : std::uint8_t { kGroup, kUser };

struct Name {
  NameKind kind = NameKind::kGroup;
  std::string text;

  friend bool operator==(const Name&, const Name&) = default;
};

// What one node has of a name.
struct Presence {
  NodeKey node;
  std::size_t count = 0;                  // member connections
  std::vector<ConnectionId> connections;  // users only: which
};

// ---- messages from node to node: opaque bytes, at most once, numbered per sender and receiver

enum class SendResult : std::uint8_t {
  kSent,         // handed to Redis, which had a subscriber for each of `reached`
  kUnavailable,  // certainly not sent: no link
  kUnknown,      // the link broke meanwhile: it may have been sent, nobody knows to whom
};

struct Dispatch {
  SendResult result = SendResult::kSent;
  std::vector<NodeKey> reached;  // an answer may be waited for from these
  std::vector<NodeKey> deaf;     // alive by their lease, but nobody listens there just now
  // A message to one node with neither: no such node is alive. Its connections are gone.
};

// ---- records: what makes a $disconnect survive its node (contract 8)

struct Record {
  ConnectionId id;
  std::string data;  // opaque; never empty
};

enum class FenceReason : std::uint8_t {
  kLost,      // the lease ran out and another node has taken over
  kReplaced,  // a newcomer goes by the same node.id
};

}  // namespace sockhook::backplane
