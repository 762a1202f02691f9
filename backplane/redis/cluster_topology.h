// ClusterTopology: which master of a Redis Cluster has which shard, by CLUSTER SLOTS.
//
// One node at a time is asked, over a connection of its own: the configured one first, then any of
// the masters that the last map named, the next one whenever one is away or does not know. Asked is
// with each connection, by refresh() (at most every kAskMs) and every kPeriodMs. Where a server was
// named as one that must know (the target of a MOVED), that one is asked.
//
// Owner: the RedisClient. Thread: the loop's.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/redis/command_link.h"
#include "backplane/redis/topology.h"
#include "conf/config.h"

namespace sockhook::redis {

class ClusterTopology final : public Topology,
                              private CommandLinkOwner,
                              private net::DeadlineListener {
 public:
  static constexpr std::uint64_t kAskMs = 100;
  static constexpr std::uint64_t kPeriodMs = 10'000;

  ClusterTopology(net::Loop& loop, Dialer& dialer, const conf::Redis& conf, Shard shards,
                  TopologyListener* listener);

  void start() override;
  void stop() override;
  bool is_stopped() const override { return link_.is_stopped(); }
  void refresh(const conf::HostPort* authority) override;

 private:
  void ask();
  void turn_to_next();
  void remember(const ShardMap& map);

  void on_commands_up() override { ask(); }
  void on_answer(Command command, const Reply& reply) override;
  void on_unanswered(Command command) override;
  void on_commands_down(std::string_view reason) override;
  void on_commands_stopped() override { listener_->on_topology_stopped(); }
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  const LinkSettings settings_;
  const Shard shards_;
  TopologyListener* const listener_;
  std::vector<conf::HostPort> nodes_;  // the configured one first
  std::size_t next_ = 0;               // of nodes_
  CommandLink link_;
  bool is_asked_ = false;
  net::Deadline ask_{this};
};

}  // namespace sockhook::redis
