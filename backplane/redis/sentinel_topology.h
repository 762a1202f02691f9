// SentinelTopology: one shard, on the server that the sentinels call master.
//
// All sentinels are connected at all times, so that any of them may be away. The address that most
// of those who answer name is taken; the one in use stays where they are divided. A sentinel that
// announces a failover (+switch-master) is believed at once, whatever others said before. Whether
// the server takes itself for a master is the RedisLink's check.
//
// They are asked whenever one is connected, by refresh() (at most every kAskMs), and every
// kPeriodMs.
//
// Owner: the RedisClient. Thread: the loop's.

#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "backplane/redis/sentinel_link.h"
#include "backplane/redis/topology.h"
#include "conf/config.h"

namespace sockhook::redis {

class SentinelTopology final : public Topology,
                               private SentinelListener,
                               private net::DeadlineListener {
 public:
  static constexpr std::uint64_t kAskMs = 100;
  static constexpr std::uint64_t kPeriodMs = 10'000;

  SentinelTopology(net::Loop& loop, Dialer& dialer, const conf::Redis::Sentinel& conf,
                   TopologyListener* listener);

  void start() override;
  void stop() override;
  bool is_stopped() const override;
  void refresh(const conf::HostPort* authority) override;

 private:
  std::optional<conf::HostPort> choose() const;
  std::size_t votes_for(const conf::HostPort& address) const;
  void use(const conf::HostPort& master);
  void on_opinion(SentinelLink& sentinel) override;
  void on_switch(SentinelLink& sentinel) override;
  void on_sentinel_stopped() override;
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  const LinkSettings settings_;
  TopologyListener* const listener_;
  std::vector<std::unique_ptr<SentinelLink>> sentinels_;
  std::optional<conf::HostPort> master_;
  net::Deadline ask_{this};
};

}  // namespace sockhook::redis
