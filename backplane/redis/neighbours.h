// Neighbours: the other nodes that are alive, as each heartbeat at home tells, and their names.
// Names are asked for once: a thousand of them in each heartbeat of a thousand nodes would be a
// quarter of what one Redis can do.
//
// Owner: the LeaseKeeper. Thread: the loop's.

#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "backplane/redis/node_scope.h"

namespace sockhook::backplane {

// A node whose name Redis has lost goes by its key.
NodeInfo node_info(const NodeKey& key, std::string name);

class NeighboursOwner {
 public:
  // All that are alive are known by name.
  virtual void on_named() = 0;

 protected:
  ~NeighboursOwner() = default;
};

class Neighbours final : private redis::CommandListener {
 public:
  Neighbours(NodeScope& scope, NeighboursOwner* owner) : scope_(scope), owner_(owner) {}

  // Nodes as text. on_named() comes from inside if no name is missing, else soon; if Redis does not
  // tell, the next heartbeat asks again.
  void note(const redis::Reply& alive);
  // The link is down: names that were asked for do not come.
  void stop() { asked_.clear(); }

  // Of those known by name.
  const std::vector<NodeInfo>& others() const { return others_; }
  bool are_known() const { return are_known_; }

 private:
  using Key = std::array<std::uint8_t, 6>;

  void ask_names(std::vector<std::string> nodes);
  void list_others();
  void become_known();
  void on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) override;

  NodeScope& scope_;
  NeighboursOwner* const owner_;
  std::map<Key, std::string> names_;  // of those alive
  std::vector<NodeInfo> others_;
  bool are_known_ = false;  // and have been ever since
  redis::Ticket last_command_ = 0;
  std::vector<std::string> asked_;  // by the last command; empty: it does not count
};

}  // namespace sockhook::backplane
