// Take-overs over a real Redis: what a dead node left goes to one survivor after the other, until
// nothing is left of it.

#include "backplane/redis/takeover.h"

#include "tests/backplane/lives_over_redis.h"

namespace sockhook::backplane {
namespace {

class TakeOverTest : public LivesOverRedis {
 protected:
  explicit TakeOverTest(const std::string& kind = "redis") : LivesOverRedis(kind) {}

  bool is_gone(const ClusterMember& member) {
    const std::set<std::string> names = living_keys();
    const std::string node = node_text(member.self.key);
    const Shard home = keys.home(member.self.key);
    return std::none_of(names.begin(), names.end(),
                        [&](const auto& name) { return name.ends_with(node); }) &&
           number({"HEXISTS", keys.takers(home), node}) == 0 &&
           number({"HEXISTS", keys.names(home), node}) == 0 &&
           run({"ZSCORE", keys.leases(home), node}).is_nil();
  }
};

TEST_F(TakeOverTest, ALongListComesInPagesAndThenNothingIsLeft) {
  constexpr std::uint32_t kRecords = 3'000;
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(b, kRecords);
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() >= Backplane::kOrphanPage / 2; }));
  grounds.run_for(3 * kHeartbeatMs);
  EXPECT_LE(a.orphans.size(), 3 * Backplane::kOrphanPage / 2) << "the rest waits in Redis";
  EXPECT_FALSE(is_gone(b));
  ASSERT_TRUE(eventually([&] {
    finish(a);
    return a.orphans.size() == kRecords && is_gone(b);
  }));
  EXPECT_EQ(a.orphans[connection(b, 77)], "owed 77");
  EXPECT_EQ(text({"GET", keys.dead(0, node_text(b.self.key))}), "lost") << "b may wake at any time";
}

TEST_F(TakeOverTest, OfManySurvivorsOneHasTheList) {
  std::vector<ClusterMember*> survivors;
  for (const char* name : {"a", "c", "d", "e"}) survivors.push_back(&grounds.add(name));
  ClusterMember& b = grounds.add("b");
  put_all(b, 400);
  grounds.run_for(kLeaseMs);  // all of them may claim
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] {
    for (ClusterMember* survivor : survivors) finish(*survivor);
    return is_gone(b);
  }));
  std::vector<std::size_t> shares;
  for (const ClusterMember* survivor : survivors) {
    if (!survivor->orphans.empty()) shares.push_back(survivor->orphans.size());
  }
  EXPECT_EQ(shares, std::vector<std::size_t>{400});
}

TEST_F(TakeOverTest, ATakerThatDiesHalfWayHasASuccessorAndIsTakenOverItself) {
  constexpr std::uint32_t kRecords = 600;
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(b, kRecords);
  put_all(a, 5);
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() >= 100; }));
  finish(a);
  const std::size_t done = finished.size();
  ASSERT_TRUE(eventually([&] { return record_count(b) <= kRecords - static_cast<int>(done); }));
  ClusterMember& c = grounds.add("c");
  grounds.freeze(a);
  const std::set<ConnectionId> finished_by_a = std::exchange(finished, {});
  ASSERT_TRUE(eventually([&] {
    finish(c);
    return is_gone(a) && is_gone(b);
  }));
  EXPECT_EQ(c.orphans.size(), kRecords - done + 5);
  for (const ConnectionId& id : finished_by_a) EXPECT_FALSE(c.orphans.contains(id));
}

// What it still says of the list has no effect: it is another's by now.
TEST_F(TakeOverTest, ATakerThatWakesTooLateFinishesNothing) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(b, 10);
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() == 10; }));
  ClusterMember& c = grounds.add("c");
  grounds.freeze(a);
  ASSERT_TRUE(eventually([&] { return c.orphans.size() == 10; }));
  finish(a);
  grounds.thaw(a);
  ASSERT_TRUE(eventually([&] { return !a.fenced.empty(); }));
  grounds.run_for(2 * kHeartbeatMs);
  EXPECT_EQ(record_count(b), 10);
  finished.clear();
  ASSERT_TRUE(eventually([&] {
    finish(c);
    return is_gone(b);
  }));
}

TEST_F(TakeOverTest, NamesOfTheDeadGoInBatches) {
  constexpr std::size_t kNames = 2 * TakeOver::kCleanPage + 500;
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  set_group(a, "g1", 1);
  for (std::size_t i = 0; i < kNames; ++i) set_group(b, "g" + std::to_string(i), 1);
  const std::string members = keys.members(0, node_text(b.self.key));
  ASSERT_TRUE(eventually([&] { return number({"ZCARD", members}) == kNames; }));
  ASSERT_TRUE(eventually([&] { return group_nodes("g1") == 2; }));
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] { return is_gone(b); }));
  EXPECT_EQ(group_nodes("g1"), 1);
  EXPECT_EQ(group_nodes("g2"), 0);
  EXPECT_EQ(group_nodes("g" + std::to_string(kNames - 1)), 0);
}

TEST_F(TakeOverTest, TheNextNodeToStartTakesOverFromThoseOfWhomNobodySurvived) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(a, 2);
  put_all(b, 3);
  grounds.freeze(a);
  grounds.freeze(b);
  grounds.run_for(kLeaseMs);
  ClusterMember& c = grounds.add("c");
  ASSERT_TRUE(eventually([&] { return c.orphans.size() == 5; }));
  EXPECT_EQ(c.orphan_owners[connection(b, 1)], b.self);
  ASSERT_TRUE(eventually([&] {
    finish(c);
    return is_gone(a) && is_gone(b);
  }));
}

TEST_F(TakeOverTest, AListGoesOnAfterALossOfTheLink) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(b, 600);
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() >= 100; }));
  const int ups = a.ups;
  grounds.redis().run_everywhere({"CLIENT", "KILL", "TYPE", "normal"});
  finish(a);
  ASSERT_TRUE(eventually([&] { return a.ups > ups; }));
  ASSERT_TRUE(eventually([&] {
    finish(a);
    return is_gone(b);
  }));
  EXPECT_EQ(a.orphans.size(), 600U);
}

TEST_F(TakeOverTest, WhenRedisComesBackEmptyTheListIsOverAndTheDeadStayDead) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(b, 10);
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() == 10; }));
  grounds.redis().run_everywhere({"FLUSHALL"});
  grounds.run_for(3 * kHeartbeatMs);
  grounds.thaw(b);
  ASSERT_TRUE(eventually([&] { return !b.fenced.empty(); }));
  EXPECT_EQ(b.fenced, std::vector<FenceReason>{FenceReason::kLost});
  ASSERT_TRUE(eventually([&] {
    finish(a);
    return is_gone(b);
  }));
  EXPECT_EQ(a.orphans.size(), 10U);
}

// As after a failover that lost the last second: what was erased is there again.
TEST_F(TakeOverTest, ARecordThatComesBackIsFinishedAgain) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(b, 2);
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() == 2; }));
  a.backplane->finish_orphan(b.self.key, connection(b, 0));
  ASSERT_TRUE(eventually([&] { return record_count(b) == 1; }));
  a.orphans.clear();
  run({"HSET", records_key(b), connection(b, 0).to_string(), "owed 0"});
  a.backplane->finish_orphan(b.self.key, connection(b, 1));
  ASSERT_TRUE(eventually([&] { return a.orphans.size() == 1; }));
  EXPECT_TRUE(a.orphans.contains(connection(b, 0)));
  a.backplane->finish_orphan(b.self.key, connection(b, 0));
  ASSERT_TRUE(eventually([&] { return is_gone(b); }));
}

// A taker that leaves gives back what it has not finished.
TEST_F(TakeOverTest, AListThatWasTakenIsHandedOverToo) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  put_all(b, 10);
  grounds.freeze(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() == 10; }));
  a.backplane->finish_orphan(b.self.key, connection(b, 0));
  ClusterMember& c = grounds.add("c");
  const auto begun = std::chrono::steady_clock::now();
  grounds.leave(a);
  ASSERT_TRUE(eventually([&] { return !c.orphans.empty(); }));
  EXPECT_LT(ms_since(begun), kLeaseMs - kHeartbeatMs);
  EXPECT_EQ(c.orphans.size(), 9U);
}

class TakeOverInAClusterTest : public TakeOverTest {
 protected:
  TakeOverInAClusterTest() : TakeOverTest("cluster") {}
};

TEST_F(TakeOverInAClusterTest, OnNoShardAnythingIsLeft) {
  ClusterMember& a = grounds.add("a");
  ClusterMember& b = grounds.add("b");
  ClusterMember& c = grounds.add("c");
  put_all(b, 300);
  put_all(c, 300);
  for (int i = 0; i < 200; ++i) set_group(b, "g" + std::to_string(i), 1);
  for (int i = 0; i < 200; ++i) set_group(c, "g" + std::to_string(i), 1);
  const auto have_members = [&](std::int64_t nodes) {
    for (int i = 0; i < 200; ++i) {
      if (group_nodes("g" + std::to_string(i)) != nodes) return false;
    }
    return true;
  };
  ASSERT_TRUE(eventually([&] { return have_members(2); }));
  grounds.freeze(b);
  grounds.leave(c);
  ASSERT_TRUE(eventually([&] {
    finish(a);
    return is_gone(b) && is_gone(c);
  }));
  EXPECT_EQ(a.orphans.size(), 600U);
  EXPECT_TRUE(have_members(0));
  for (Shard shard = 0; shard < keys.shards(); ++shard) {
    EXPECT_EQ(text({"GET", keys.dead(shard, node_text(b.self.key))}), "lost") << shard;
    EXPECT_EQ(number({"ZCARD", keys.up(shard)}), 1) << shard;
    EXPECT_EQ(number({"HLEN", keys.names(shard)}), 1) << shard;
  }
  grounds.leave(a);
  EXPECT_EQ(living_keys(), std::set<std::string>{});
}

}  // namespace
}  // namespace sockhook::backplane
