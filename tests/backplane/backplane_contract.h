// BackplaneContract: what the tests of the contract of backplane.h have in common. They run over
// each that claims to keep it.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/backplane/cluster_grounds.h"

namespace sockhook::backplane {

using Nodes = std::vector<NodeKey>;
using Decision = ClusterMember::Decision;

inline Digest digest(std::uint8_t value) {
  Digest bytes{};
  bytes.fill(value);
  return bytes;
}

class BackplaneContract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string("valkey") && !testing::has_redis("valkey")) {
      GTEST_SKIP() << "valkey-server is not installed";
    }
    grounds = std::make_unique<ClusterGrounds>(GetParam());
  }

  ClusterMember& add(const std::string& name) { return grounds->add(name); }
  template <typename Condition>
  bool eventually(Condition condition, int limit_ms = 5'000) {
    return grounds->run_until(condition, limit_ms);
  }
  // The dispatch of one send.
  template <typename Call>
  Dispatch sent(ClusterMember& member, Call call) {
    const Ticket ticket = ++last_ticket;
    member.ask([&](Backplane& backplane) { call(backplane, ticket); });
    EXPECT_TRUE(eventually([&] { return member.sent.contains(ticket); }));
    Dispatch dispatch = member.sent[ticket];
    const auto order = [](const NodeKey& a, const NodeKey& b) { return a.bytes < b.bytes; };
    std::sort(dispatch.reached.begin(), dispatch.reached.end(), order);
    return dispatch;
  }
  Dispatch send(ClusterMember& from, const NodeKey& to, const std::string& payload) {
    return sent(from, [&](Backplane& backplane, Ticket t) { backplane.send(to, payload, t); });
  }
  Dispatch send_to_name(ClusterMember& from, const Name& name, const std::string& payload) {
    return sent(from,
                [&](Backplane& backplane, Ticket t) { backplane.send_to_name(name, payload, t); });
  }
  void set_group(ClusterMember& member, const std::string& group, std::size_t count) {
    member.set_presence({NameKind::kGroup, group}, count);
  }
  std::vector<Presence> lookup(ClusterMember& member, const Name& name) {
    const Ticket ticket = ++last_ticket;
    member.ask([&](Backplane& backplane) { backplane.lookup(name, ticket); });
    EXPECT_TRUE(eventually([&] { return member.lookups.contains(ticket); }));
    const auto& presences = member.lookups[ticket];
    EXPECT_TRUE(presences.has_value());
    return presences ? *presences : std::vector<Presence>{};
  }
  // How many members of a group others have.
  std::size_t count_elsewhere(ClusterMember& member, const std::string& group) {
    std::size_t count = 0;
    for (const Presence& presence : lookup(member, {NameKind::kGroup, group})) {
      count += presence.count;
    }
    return count;
  }

  std::uint64_t claim(ClusterMember& member, std::uint8_t key, std::uint8_t request) {
    const std::uint64_t ticket = ++last_ticket;
    member.backplane->claim({digest(key), digest(request)}, ticket, &member);
    return ticket;
  }
  Decision decision(ClusterMember& member, std::uint64_t ticket) {
    EXPECT_TRUE(eventually([&] { return member.claims.contains(ticket); })) << "not decided";
    return member.claims[ticket];
  }

  std::unique_ptr<ClusterGrounds> grounds;
  Ticket last_ticket = 0;
};

inline const auto kAll = ::testing::Values("memory", "redis", "valkey", "sentinel", "cluster");
inline const auto kRedis = ::testing::Values("redis", "valkey", "sentinel", "cluster");
inline const auto kOneServer = ::testing::Values("redis", "valkey");
inline std::string kind_of(const ::testing::TestParamInfo<const char*>& test) { return test.param; }

}  // namespace sockhook::backplane
