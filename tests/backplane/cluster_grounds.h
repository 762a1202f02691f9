// ClusterGrounds: where a test's cluster lives: this process' memory, or real servers of Redis or
// Valkey, alone, behind Sentinel or as a Cluster. The servers are started once for each kind and
// test program; each test has a prefix of its own there.

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backplane/memory_backplane.h"
#include "backplane/redis/redis_backplane.h"
#include "tests/backplane/cluster_member.h"
#include "tests/support/loop_runner.h"
#include "tests/support/redis_cluster.h"
#include "tests/support/redis_process.h"
#include "tests/support/redis_sentinels.h"

namespace sockhook::backplane {

// Real servers, and how a node finds them.
struct RedisGrounds {
  std::unique_ptr<testing::RedisProcess> alone;
  std::unique_ptr<testing::RedisSentinels> sentinels;
  std::unique_ptr<testing::RedisCluster> cluster;
  std::vector<testing::RedisProcess*> servers;  // that hold data
  conf::Redis conf;

  // Null for "memory".
  static RedisGrounds* of(const std::string& kind) {
    static std::map<std::string, std::unique_ptr<RedisGrounds>> all;
    if (kind == "memory") return nullptr;
    std::unique_ptr<RedisGrounds>& grounds = all[kind];
    if (!grounds) grounds = make(kind);
    return grounds.get();
  }

  // On the server that has the key.
  redis::Reply run(const std::vector<std::string>& words) const {
    redis::Reply reply;
    for (const testing::RedisProcess* server : servers) {
      reply = server->run(words);
      if (!reply.is_error("MOVED") && !reply.is_error("READONLY")) return reply;
    }
    return reply;
  }
  void run_everywhere(const std::vector<std::string>& words) const {
    for (const testing::RedisProcess* server : servers) server->run(words);
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> names;
    for (const testing::RedisProcess* server : servers) {
      const redis::Reply reply = server->run({"KEYS", "*"});
      for (std::size_t i = 0; reply.array() != nullptr && i < reply.array()->size(); ++i) {
        names.push_back(*reply.at(i).string());
      }
    }
    return names;
  }

 private:
  static std::unique_ptr<RedisGrounds> make(const std::string& kind) {
    auto grounds = std::make_unique<RedisGrounds>();
    conf::Redis& conf = grounds->conf;
    if (kind == "sentinel") {
      grounds->sentinels = std::make_unique<testing::RedisSentinels>("redis");
      EXPECT_TRUE(grounds->sentinels->wait_ready());
      conf.sentinel.emplace();
      conf.sentinel->master = testing::RedisSentinels::kMaster;
      for (const auto& sentinel : grounds->sentinels->sentinels) {
        conf.sentinel->nodes.push_back({"127.0.0.1", sentinel->port()});
      }
      for (const auto& server : grounds->sentinels->servers) {
        grounds->servers.push_back(server.get());
      }
    } else if (kind == "cluster") {
      grounds->cluster = std::make_unique<testing::RedisCluster>("redis");
      EXPECT_TRUE(grounds->cluster->wait_ready());
      conf.cluster = true;
      conf.server = {"127.0.0.1", grounds->cluster->nodes[0]->port()};
      for (const auto& node : grounds->cluster->nodes) grounds->servers.push_back(node.get());
    } else {
      grounds->alone = std::make_unique<testing::RedisProcess>(kind);
      conf.server = {"127.0.0.1", grounds->alone->port()};
      grounds->servers.push_back(grounds->alone.get());
    }
    return grounds;
  }
};

class ClusterGrounds {
 public:
  static constexpr std::uint64_t kHeartbeatMs = 300;
  static constexpr std::uint64_t kLeaseMs = 1'500;
  static constexpr std::uint64_t kRecordMs = 60'000;

  explicit ClusterGrounds(const std::string& kind) : redis_(RedisGrounds::of(kind)) {
    static int tests = 0;
    prefix_ = "test" + std::to_string(++tests);
    if (redis_ == nullptr) memory_ = std::make_unique<MemoryCluster>(shared_runner_.loop());
  }
  ~ClusterGrounds() {
    frozen_.clear();
    for (const auto& place : places_) leave(*place->member);
    for (const auto& place : places_) place->member.reset();
  }
  ClusterGrounds(const ClusterGrounds&) = delete;
  ClusterGrounds& operator=(const ClusterGrounds&) = delete;

  bool is_memory() const { return redis_ == nullptr; }
  RedisGrounds& redis() { return *redis_; }
  MemoryCluster& memory() { return *memory_; }
  const std::string& prefix() const { return prefix_; }
  conf::Redis conf() const {
    conf::Redis conf = redis_->conf;
    conf.prefix = prefix_;
    conf.heartbeat = conf::Duration{kHeartbeatMs};
    conf.lease = conf::Duration{kLeaseMs};
    return conf;
  }

  // A node that has joined, though it may not be up.
  ClusterMember& start(const std::string& name) {
    return is_memory() ? start_node(name, nullptr) : start(name, conf());
  }
  // The same over Redis, found in another way.
  ClusterMember& start(const std::string& name, const conf::Redis& conf) {
    return start_node(name, &conf);
  }
  // One that is up, and known to all who are.
  ClusterMember& add(const std::string& name) {
    ClusterMember& member = start(name);
    EXPECT_TRUE(run_until([&] { return member.is_up() && is_known(member); }, 10'000)) << name;
    return member;
  }

  // Its loop stands still, as in a process that is stopped. Not in memory.
  void freeze(const ClusterMember& member) { frozen_.insert(&member); }
  void thaw(const ClusterMember& member) { frozen_.erase(&member); }
  // It is taken for dead by the others.
  void lose(const ClusterMember& member) {
    freeze(member);
    if (is_memory()) memory_->declare_dead(member.self.key);
  }
  void leave(ClusterMember& member) {
    if (member.has_left) return;
    member.backplane->leave();
    EXPECT_TRUE(run_until([&] { return member.has_left; }));
  }

  // True as soon as `condition` holds; false after `limit_ms`.
  template <typename Condition>
  bool run_until(Condition condition, int limit_ms = 5'000) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      turn();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  void run_for(int ms) {
    run_until([] { return false; }, ms);
  }

 private:
  struct Place {
    testing::LoopRunner runner;
    std::unique_ptr<ClusterMember> member;
  };

  ClusterMember& start_node(const std::string& name, const conf::Redis* conf) {
    places_.push_back(std::make_unique<Place>());
    Place& place = *places_.back();
    std::unique_ptr<Backplane> made;
    if (conf == nullptr) {
      made = std::make_unique<MemoryBackplane>(*memory_);
    } else {
      made = std::make_unique<RedisBackplane>(place.runner.loop(), *conf, kRecordMs);
    }
    place.member = std::make_unique<ClusterMember>(std::move(made), name);
    place.member->start();
    return *place.member;
  }

  bool is_known(const ClusterMember& member) const {
    for (const auto& place : places_) {
      const ClusterMember& other = *place->member;
      const auto& others = other.backplane->others();
      const bool knows = std::find(others.begin(), others.end(), member.self) != others.end();
      if (&other != &member && other.is_up() && !frozen_.contains(&other) && !knows) return false;
    }
    return true;
  }
  void turn() {
    uv_run(shared_runner_.loop().uv(), UV_RUN_NOWAIT);
    for (const auto& place : places_) {
      if (frozen_.contains(place->member.get())) continue;
      uv_run(place->runner.loop().uv(), UV_RUN_NOWAIT);
    }
  }

  RedisGrounds* const redis_;
  std::string prefix_;
  testing::LoopRunner shared_runner_;
  std::unique_ptr<MemoryCluster> memory_;
  std::vector<std::unique_ptr<Place>> places_;
  std::set<const ClusterMember*> frozen_;
};

}  // namespace sockhook::backplane
