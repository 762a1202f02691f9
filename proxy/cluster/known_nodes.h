// KnownNodes: the other nodes, as far as this one knows: who is alive, what they are called, and
// of whom it is not sure.
//
//   alive      as of the last heartbeat, and those that have said since that they joined
//   missing    was alive by a heartbeat, and was not by a later one: dead, or Redis has lost its
//   data
//              and the node has not registered again yet, which it does by its next heartbeat
//   doubtful   known when the backplane went away, for kDoubtMs after its return: it may have come
//              back empty, and they may not have told their groups and users again yet; or known
//              when it lost its data, until all must have noticed and told again
//   names      also of nodes that have gone: answers name those that were not reached
//
// A node that has said that it leaves, or that another has taken the name of, is certainly gone.
//
// Bounded: kMaxNames; when they are all taken, those of nodes that have gone are forgotten.
// Owner: the ClusterRouter. Thread: the control loop's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "backplane/cluster.h"
#include "proxy/net/loop.h"

namespace sockhook::cluster {

using backplane::NodeInfo;
using backplane::NodeKey;

// The order of listings.
struct NodeKeyLess {
  bool operator()(const NodeKey& a, const NodeKey& b) const { return a.bytes < b.bytes; }
};

class KnownNodes {
 public:
  static constexpr std::size_t kMaxNames = 4096;
  static constexpr std::uint64_t kDoubtMs = 2'500;
  // A node that has joined is in a heartbeat's answer by then, or has gone again.
  static constexpr std::uint64_t kJoinedMs = 60'000;

  // Heartbeats are not always on time.
  static constexpr std::uint64_t kLateMs = 500;

  KnownNodes(const net::Loop& loop, std::uint64_t heartbeat_ms)
      : loop_(loop), heartbeat_ms_(heartbeat_ms) {}

  // All that are alive, by a heartbeat. Returns those that were alive by the one before, and have
  // died or left.
  std::vector<NodeKey> update(const std::vector<NodeInfo>& others);
  void add_joined(const NodeInfo& node);
  void remove_left(const NodeKey& node);
  void on_link_down();
  void on_link_up();
  void on_data_lost();

  // All that may be alive.
  std::vector<NodeKey> others() const;
  std::vector<NodeKey> doubtful() const;
  // False: its connections are gone.
  bool may_be_alive(const NodeKey& node) const;
  // A node that nobody has named goes by its key.
  std::string name_of(const NodeKey& key) const;

 private:
  using Keys = std::set<NodeKey, NodeKeyLess>;

  void learn_name(const NodeInfo& node) { names_.insert_or_assign(node.key, node.name); }

  const net::Loop& loop_;
  const std::uint64_t heartbeat_ms_;
  Keys alive_;
  std::map<NodeKey, std::uint64_t, NodeKeyLess> joined_;   // until when they are believed to be
  std::map<NodeKey, std::uint64_t, NodeKeyLess> missing_;  // likewise
  Keys doubtful_;
  std::uint64_t doubt_until_ms_ = 0;
  std::map<NodeKey, std::string, NodeKeyLess> names_;
};

}  // namespace sockhook::cluster
