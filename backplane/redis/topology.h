// Topology: finds out which server has which shard, where that may change: over Sentinel, in a
// Cluster. One server alone needs none.
//
// Owner: the RedisClient, which destroys it only after on_topology_stopped (or before start).
// Thread: the loop's; events come from the loop.

#pragma once

#include <optional>
#include <vector>

#include "conf/values.h"

namespace sockhook::redis {

// By shard; empty: no server has it.
using ShardMap = std::vector<std::optional<conf::HostPort>>;

class TopologyListener {
 public:
  virtual void on_map(const ShardMap& map) = 0;
  virtual void on_topology_stopped() = 0;

 protected:
  ~TopologyListener() = default;
};

class Topology {
 public:
  virtual ~Topology() = default;

  virtual void start() = 0;
  virtual void stop() = 0;
  virtual bool is_stopped() const = 0;
  // Something looks wrong: a server is gone, or has sent us elsewhere. `authority`: a server that
  // must know; null: any.
  virtual void refresh(const conf::HostPort* authority) = 0;
};

}  // namespace sockhook::redis
