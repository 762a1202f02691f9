// Leases over a real Redis: who is alive, who is fenced, what is left of those who are not.

#include "tests/backplane/lives_over_redis.h"

namespace sockhook::backplane {
namespace {

using Clock = std::chrono::steady_clock;
using Reasons = std::vector<FenceReason>;

class LeaseTest : public LivesOverRedis {
 protected:
  std::int64_t redis_time_ms() {
    const redis::Reply time = run({"TIME"});
    return std::stoll(*time.at(0).string()) * 1'000 + std::stoll(*time.at(1).string()) / 1'000;
  }
  void cut_all_links() {
    grounds.redis().run_everywhere({"CLIENT", "KILL", "TYPE", "normal"});
    grounds.redis().run_everywhere({"CLIENT", "KILL", "TYPE", "pubsub"});
  }
};

TEST_F(LeaseTest, ALeaseIsGrantedByEachHeartbeat) {
  ClusterMember& a = grounds.add("a");
  const std::uint64_t first = a.lease_until_ms;
  EXPECT_GT(first, 0U);
  ASSERT_TRUE(eventually([&] { return a.lease_until_ms > first; }));
  EXPECT_LE(a.lease_until_ms - first, 2U * kLeaseMs);
  // No later than Redis will say.
  const std::string until = text({"ZSCORE", keys.leases(0), node_text(a.self.key)});
  EXPECT_NEAR(static_cast<double>(std::stoll(until) - redis_time_ms()), kLeaseMs, kHeartbeatMs);
}

TEST_F(LeaseTest, AFrozenNodeIsNoLongerAmongTheOthersAndFencedWhenItWakes) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] { return a.backplane->others().empty(); }));
  ASSERT_TRUE(eventually([&] {
    return text({"GET", keys.dead(0, node_text(b.self.key))}) == "lost";
  }));
  const std::uint64_t lease = b.lease_until_ms;
  b.put_record(connection(b, 1), "written as it wakes", 7);
  grounds.thaw(b);
  ASSERT_TRUE(eventually([&] { return !b.fenced.empty() && b.recorded.contains(7); }));
  EXPECT_EQ(b.fenced, Reasons{FenceReason::kLost});
  EXPECT_FALSE(b.recorded[7]);
  EXPECT_EQ(b.lease_until_ms, lease) << "what it had is not renewed";
  EXPECT_EQ(record_count(b), 0);
}

TEST_F(LeaseTest, NobodyIsDeclaredDeadForAFullLeaseAfterAReconnect) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(b, 1);
  grounds.freeze(b);
  grounds.run_for(kLeaseMs / 2);
  const int ups = a.ups;
  cut_all_links();
  ASSERT_TRUE(eventually([&] { return a.ups > ups; }));
  const auto connected = Clock::now();
  ASSERT_TRUE(eventually([&] { return !a.orphans.empty(); }));
  EXPECT_GE(ms_since(connected), kLeaseMs - kHeartbeatMs / 4);
}

// Its own standstill may be that of all: they get the time to wake.
TEST_F(LeaseTest, WhoStoodStillItselfDeclaresNobodyDeadForAFullLease) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  grounds.run_for(2 * kLeaseMs);
  grounds.freeze(a);
  grounds.freeze(b);
  grounds.run_for(kLeaseMs + kHeartbeatMs);
  grounds.thaw(a);
  grounds.run_for(kLeaseMs / 2);
  grounds.thaw(b);
  grounds.run_for(2 * kLeaseMs);
  EXPECT_TRUE(a.fenced.empty());
  EXPECT_TRUE(b.fenced.empty());
  EXPECT_EQ(a.backplane->others(), std::vector<NodeInfo>{b.self});
}

TEST_F(LeaseTest, ANodeThatRedisHasForgottenRegistersAgainAndTellsAll) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  ASSERT_TRUE(eventually([&] { return a.repairs == 1 && b.repairs == 1; }));
  grounds.redis().run_everywhere({"FLUSHALL"});
  ASSERT_TRUE(eventually([&] { return a.repairs == 2 && b.repairs == 2; }));
  EXPECT_EQ(number({"ZCARD", keys.leases(0)}), 2);
  EXPECT_EQ(text({"GET", keys.id("a")}), node_text(a.self.key));
  EXPECT_TRUE(a.fenced.empty());
  EXPECT_EQ(a.backplane->others(), std::vector<NodeInfo>{b.self});
}

TEST_F(LeaseTest, ANewcomerOfTheSameNameTakesOverAtOnce) {
  ClusterMember& older = grounds.add("same");
  put_all(older, 3);
  grounds.freeze(older);
  const auto begun = Clock::now();
  ClusterMember& newcomer = grounds.start("same");
  ASSERT_TRUE(eventually([&] { return newcomer.orphans.size() == 3; }));
  EXPECT_LT(ms_since(begun), kLeaseMs);
  grounds.thaw(older);
  ASSERT_TRUE(eventually([&] { return !older.fenced.empty(); }));
  EXPECT_EQ(older.fenced, Reasons{FenceReason::kReplaced});
  EXPECT_TRUE(newcomer.fenced.empty());
}

// Declared dead, its place given to a newcomer: it must not take it back.
TEST_F(LeaseTest, AnOlderOneThatStartsOverGivesWay) {
  ClusterMember& survivor = grounds.add("other");
  ClusterMember& older = grounds.add("same");
  grounds.freeze(older);
  ASSERT_TRUE(eventually([&] { return survivor.backplane->others().empty(); }));
  ASSERT_TRUE(eventually([&] {
    return text({"GET", keys.dead(0, node_text(older.self.key))}) == "lost";
  }));
  ClusterMember& newcomer = grounds.add("same");
  grounds.thaw(older);
  ASSERT_TRUE(eventually([&] { return older.fenced.size() == 1; }));
  EXPECT_EQ(older.fenced, Reasons{FenceReason::kLost});
  older.restart();
  ASSERT_TRUE(eventually([&] { return older.fenced.size() == 2; }));
  EXPECT_EQ(older.fenced[1], FenceReason::kReplaced);
  EXPECT_TRUE(newcomer.fenced.empty());
  EXPECT_EQ(text({"GET", keys.id("same")}), node_text(newcomer.self.key));
}

TEST_F(LeaseTest, OfThreeThatStartUnderOneNameAtOnceOneRemains) {
  std::vector<ClusterMember*> members;
  for (int i = 0; i < 3; ++i) members.push_back(&grounds.start("same"));
  const auto fenced = [&] {
    return std::count_if(members.begin(), members.end(),
                         [](const ClusterMember* member) { return !member->fenced.empty(); });
  };
  ASSERT_TRUE(eventually([&] { return fenced() == 2; }));
  grounds.run_for(2 * kLeaseMs);
  EXPECT_EQ(fenced(), 2);
}

TEST_F(LeaseTest, WhoLeavesWithNothingLeftRemovesAllItsKeys) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  set_group(b, "room", 2);
  put_all(b, 2);
  a.backplane->send(b.self.key, "x", 0);
  b.backplane->send(a.self.key, "x", 0);
  ASSERT_TRUE(eventually([&] { return !a.messages.empty() && group_nodes("room") == 1; }));
  set_group(b, "room", 0);
  for (std::uint32_t i = 0; i < 2; ++i) b.erase_record(connection(b, i));
  grounds.leave(b);
  for (const std::string& key : living_keys()) {
    EXPECT_EQ(key.find(node_text(b.self.key)), std::string::npos) << key;
  }
  EXPECT_EQ(number({"HLEN", keys.names(0)}), 1);
  EXPECT_EQ(number({"ZCARD", keys.leases(0)}), 1);
  EXPECT_EQ(number({"EXISTS", keys.id("b")}), 0);
  grounds.leave(a);
  EXPECT_EQ(living_keys(), std::set<std::string>{});
}

TEST_F(LeaseTest, WhatIsHandedOverIsTakenAtTheNextHeartbeat) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(b, 3);
  const auto begun = Clock::now();
  grounds.leave(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() == 3; }));
  EXPECT_LT(ms_since(begun), kLeaseMs - kHeartbeatMs) << "sooner than a lease runs out";
}

}  // namespace
}  // namespace sockhook::backplane
