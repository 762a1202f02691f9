// PushCommand and PushOutcome: what management asks of connections, and what became of it.
//
// Closed values that cross threads and nodes (cluster/push_codec.h): management makes a command,
// the PushRouter takes it to the workers that hold the target, each worker's Hub carries it out and
// answers.
//
// Nobody waits with a pointer: the asker keeps the ticket that the router gave it.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "protocol/webhook/connection_id.h"
#include "protocol/websocket/frame_encoder.h"

namespace sockhook::push {

using webhook::ConnectionId;

// Names of the endpoints that a token may reach; null: all of them.
using Scope = std::shared_ptr<const std::set<std::string>>;
using ExcludedIds = std::shared_ptr<const std::unordered_set<ConnectionId>>;

struct OneConnection {
  ConnectionId id;
};
struct GroupMembers {
  std::string group;
};
struct UserConnections {
  std::string user;
};
struct Everyone {
  std::string endpoint;  // empty: of all endpoints
};
using Target = std::variant<OneConnection, GroupMembers, UserConnections, Everyone>;

// One message to all that the target names. The frame is encoded once, whoever gets it.
struct Send {
  Target target;
  websocket::SharedFrame frame;
  std::size_t payload_bytes = 0;  // compared with the endpoint's message_size
  ExcludedIds excluded;           // null: nobody
};

// A close frame to one connection or to a user's connections.
struct Close {
  Target target;
  uint16_t code = 1000;
  std::string reason;
};

// Joins or leaves a group, for one connection or a user's present connections.
struct Membership {
  Target target;
  std::string group;
  bool joins = true;
};

struct Describe {
  ConnectionId id;
};

// One page of the connections that match all filters that are not empty, in the order of their
// slots: a connection that stays is met exactly once. `from_slot` is where the page before ended.
struct List {
  std::string endpoint;
  std::string user;
  std::string group;
  uint32_t from_slot = 0;
  std::size_t limit = 100;
};

// How many connections are in a group; which ones a user has.
struct CountGroup {
  std::string group;
};
struct FindUser {
  std::string user;
};

struct PushCommand {
  std::variant<Send, Close, Membership, Describe, List, CountGroup, FindUser> action;
  Scope scope;
};

// What became of a command for one connection.
enum class Delivery {
  kDone,
  kHeld,       // $connect is running: kept for it (contract 3.2)
  kGone,       // no such connection, or it is closing
  kTooLarge,   // over the endpoint's message_size
  kSlow,       // does not fit the client's queue
  kForbidden,  // outside the token's scope
};

// Everything that the management API tells of a connection. Empty strings are null there.
struct ConnectionInfo {
  std::string id;
  std::string node;  // node.id; filled in by the node's router
  std::string endpoint;
  std::string user;
  std::vector<std::string> groups;
  std::optional<int64_t> connected_at_ms;  // wall clock; absent while $connect runs
  int64_t handshake_at_ms = 0;
  int64_t last_active_at_ms = 0;
  std::string remote_address;
  std::string user_agent;
  std::string subprotocol;
};

// A worker's answer; those of several workers add up (merge() in mailbox_router.cc).
struct PushOutcome {
  Delivery delivery = Delivery::kDone;  // commands for one connection
  std::size_t delivered = 0;            // sends to many; also the connections a close or join met
  std::size_t failed = 0;
  std::size_t delivered_remotely = 0;       // what of `delivered` was on other nodes
  std::size_t failed_remotely = 0;          // likewise
  std::size_t count = 0;                    // CountGroup
  std::vector<ConnectionInfo> connections;  // Describe (one), List
  std::vector<std::string> connection_ids;  // FindUser
  std::optional<uint32_t> next_slot;        // List, a worker's answer: where its next page begins
  std::string next_cursor;                  // List, the router's answer: empty at the end
  std::vector<std::string> unknown_nodes;   // Send to many: nodes that did not answer
};

using Ticket = uint64_t;

}  // namespace sockhook::push
