// LivesOverRedis: a test with nodes of one cluster over a real Redis, which die, stand still and
// come back.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backplane/redis/keys.h"
#include "tests/backplane/cluster_grounds.h"

namespace sockhook::backplane {

class LivesOverRedis : public ::testing::Test {
 protected:
  // `kind`: of ClusterGrounds.
  explicit LivesOverRedis(const std::string& kind = "redis")
      : grounds(kind),
        keys(grounds.prefix(), kind == "cluster" ? redis::RedisClient::kClusterShards : 1) {}

  static constexpr int kLeaseMs = ClusterGrounds::kLeaseMs;
  static constexpr int kHeartbeatMs = ClusterGrounds::kHeartbeatMs;
  static constexpr int kTakeOverMs = 15'000;

  static ConnectionId connection(const ClusterMember& member, std::uint32_t number) {
    return webhook::IdScheme(member.self.key, {}).make({0, number}, {});
  }

  template <typename Condition>
  bool eventually(Condition condition, int limit_ms = kTakeOverMs) {
    return grounds.run_until(condition, limit_ms);
  }
  redis::Reply run(const std::vector<std::string>& words) { return grounds.redis().run(words); }
  std::int64_t number(const std::vector<std::string>& words) {
    const redis::Reply reply = run(words);
    return reply.integer() != nullptr ? *reply.integer() : -1;
  }
  std::string text(const std::vector<std::string>& words) {
    const redis::Reply reply = run(words);
    return reply.string() != nullptr ? *reply.string() : std::string(reply.error());
  }
  std::string records_key(const ClusterMember& member) const {
    return keys.records(keys.home(member.self.key), node_text(member.self.key));
  }
  std::int64_t record_count(const ClusterMember& member) {
    return number({"HLEN", records_key(member)});
  }
  // All keys of this test's cluster but tombstones, which stay for a while.
  std::set<std::string> living_keys() {
    std::set<std::string> names;
    for (const std::string& name : grounds.redis().keys()) {
      const bool is_ours = name.starts_with(grounds.prefix() + ":");
      if (is_ours && name.find(":dead:") == std::string::npos) names.insert(name);
    }
    return names;
  }

  // True if it was written.
  bool put(ClusterMember& member, const ConnectionId& id, const std::string& data) {
    const Ticket ticket = ++last_ticket;
    member.put_record(id, data, ticket);
    EXPECT_TRUE(eventually([&] { return member.recorded.contains(ticket); }));
    return member.recorded[ticket];
  }
  // Records 0 to count - 1.
  void put_all(ClusterMember& member, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      member.put_record(connection(member, i), "owed " + std::to_string(i));
    }
    ASSERT_TRUE(eventually([&] { return record_count(member) == count; }));
  }
  void set_group(ClusterMember& member, const std::string& group, std::size_t count) {
    member.set_presence({NameKind::kGroup, group}, count);
  }
  std::int64_t group_nodes(const std::string& group) {
    const Name name{NameKind::kGroup, group};
    return number({"HLEN", keys.name(keys.shard_of(name), name)});
  }
  // Whatever it was handed and has not finished.
  void finish(ClusterMember& member) {
    for (const auto& [id, owner] : member.orphan_owners) {
      if (finished.insert(id).second) member.backplane->finish_orphan(owner.key, id);
    }
  }
  static std::int64_t ms_since(std::chrono::steady_clock::time_point begun) {
    const auto passed = std::chrono::steady_clock::now() - begun;
    return std::chrono::duration_cast<std::chrono::milliseconds>(passed).count();
  }

  ClusterGrounds grounds;
  const Keys keys;
  Ticket last_ticket = 0;
  std::set<ConnectionId> finished;
};

}  // namespace sockhook::backplane
