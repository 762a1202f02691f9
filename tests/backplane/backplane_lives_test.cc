// The contract of backplane.h: leases, records, and the ends of nodes.

#include <unordered_set>

#include "tests/backplane/backplane_contract.h"

namespace sockhook::backplane {
namespace {

class BackplaneLives : public BackplaneContract {
 protected:
  // Long enough for a lease to run out and for a survivor to notice.
  static constexpr int kTakeOverMs = 15'000;

  void put_records(ClusterMember& member, std::uint8_t count) {
    for (std::uint8_t i = 0; i < count; ++i) {
      member.put_record(member.connection(i), "owed " + std::to_string(i));
    }
    member.put_record(member.connection(count), "the last", ++last_ticket);
    ASSERT_TRUE(eventually([&] { return member.recorded.contains(last_ticket); }));
    EXPECT_TRUE(member.recorded[last_ticket]);
  }
  // Those that `member` was given and has not finished, finished.
  void finish(ClusterMember& member) {
    for (const auto& [id, owner] : member.orphan_owners) {
      if (finished.insert(id).second) member.backplane->finish_orphan(owner.key, id);
    }
  }

  std::unordered_set<ConnectionId> finished;
};

TEST_P(BackplaneLives, NodesKnowWhoElseIsAlive) {
  ClusterMember& a = add("a");
  EXPECT_TRUE(a.backplane->others().empty());
  ClusterMember& b = add("b");
  EXPECT_EQ(a.backplane->others(), std::vector<NodeInfo>{b.self});
  EXPECT_EQ(b.backplane->others(), std::vector<NodeInfo>{a.self});
  EXPECT_TRUE(a.backplane->knows_others());
  grounds->leave(b);
  EXPECT_TRUE(eventually([&] { return a.backplane->others().empty(); }));
}

TEST_P(BackplaneLives, OfADeadNodeNothingIsLeft) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  set_group(b, "room", 2);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 2; }));
  grounds->lose(b);
  ASSERT_TRUE(eventually([&] { return a.backplane->others().empty(); }, kTakeOverMs));
  // Each shard of a Redis Cluster has its own lease of a node, and they end one after the other.
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 0; }));
  ASSERT_TRUE(eventually([&] {
    return send_to_name(a, {NameKind::kGroup, "room"}, "x").reached.empty();
  }));
  ASSERT_TRUE(eventually([&] {
    const Dispatch dispatch = send(a, b.self.key, "x");
    return dispatch.reached.empty() && dispatch.deaf.empty();
  }));
}

TEST_P(BackplaneLives, RecordsOfADeadNodeGoToExactlyOneSurvivor) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  ClusterMember& c = add("c");
  put_records(b, 250);
  b.erase_record(b.connection(7));
  b.put_record(b.connection(8), "other", ++last_ticket);
  ASSERT_TRUE(eventually([&] { return b.recorded.contains(last_ticket); }));
  grounds->lose(b);
  ASSERT_TRUE(eventually(
      [&] {
        finish(a);
        finish(c);
        return a.orphans.size() + c.orphans.size() == 250;
      },
      kTakeOverMs));
  grounds->run_for(500);
  EXPECT_TRUE(a.orphans.empty() || c.orphans.empty());
  ClusterMember& taker = a.orphans.empty() ? c : a;
  EXPECT_EQ(taker.orphans.size(), 250U);
  EXPECT_FALSE(taker.orphans.contains(b.connection(7)));
  EXPECT_EQ(taker.orphans[b.connection(8)], "other");
  EXPECT_EQ(taker.orphan_owners[b.connection(8)], b.self);
}

TEST_P(BackplaneLives, WhatATakerHasNotFinishedGoesToTheNext) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  put_records(b, 3);
  grounds->lose(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() == 4; }, kTakeOverMs));
  a.backplane->finish_orphan(b.self.key, b.connection(0));
  grounds->run_for(200);
  ClusterMember& c = add("c");
  grounds->lose(a);
  ASSERT_TRUE(eventually([&] { return c.orphans.size() == 3; }, kTakeOverMs));
  EXPECT_FALSE(c.orphans.contains(b.connection(0)));
  EXPECT_EQ(c.orphan_owners[b.connection(1)].key, b.self.key);
}

TEST_P(BackplaneLives, WhoIsAboutToGoTakesNothingOver) {
  ClusterMember& c = add("c");
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  put_records(b, 3);
  a.backplane->retire();
  grounds->leave(b);
  ASSERT_TRUE(eventually([&] { return c.orphans.size() == 4; }, kTakeOverMs));
  EXPECT_TRUE(a.orphans.empty());
}

TEST_P(BackplaneLives, WhoLeavesHandsOverWhatIsLeft) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  set_group(b, "room", 2);
  put_records(b, 3);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 2; }));
  const auto begun = std::chrono::steady_clock::now();
  grounds->leave(b);
  const auto taken = std::chrono::steady_clock::now() - begun;
  EXPECT_LT(taken, std::chrono::milliseconds(Backplane::kCommandMs + 300));
  ASSERT_TRUE(eventually([&] { return a.orphans.size() == 4; }, kTakeOverMs));
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 0; }));
  EXPECT_TRUE(b.fenced.empty());
}

TEST_P(BackplaneLives, WhoWasDeclaredDeadIsFencedAndMayStartOver) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  put_records(b, 3);
  grounds->lose(b);
  ASSERT_TRUE(eventually([&] { return a.orphans.size() == 4; }, kTakeOverMs));
  grounds->thaw(b);
  ASSERT_TRUE(eventually([&] { return !b.fenced.empty(); }));
  EXPECT_EQ(b.fenced, std::vector<FenceReason>{FenceReason::kLost});
  b.put_record(b.connection(9), "late", ++last_ticket);
  set_group(b, "late", 1);
  ASSERT_TRUE(eventually([&] { return b.recorded.contains(last_ticket); }));
  EXPECT_FALSE(b.recorded[last_ticket]);
  grounds->run_for(500);
  EXPECT_EQ(count_elsewhere(a, "late"), 0U);
  EXPECT_EQ(a.orphans.size(), 4U);
  b.forget();
  b.restart();
  set_group(b, "new", 1);
  ASSERT_TRUE(eventually([&] {
    return a.backplane->others() == std::vector<NodeInfo>{b.self} && count_elsewhere(a, "new") == 1;
  }));
  EXPECT_EQ(send(a, b.self.key, "welcome").reached, Nodes{b.self.key});
  ASSERT_TRUE(eventually([&] { return !b.messages.empty(); }));
  EXPECT_EQ(b.fenced.size(), 1U);
}

TEST_P(BackplaneLives, ANewcomerWithTheSameNameReplacesTheOlderOne) {
  ClusterMember& older = add("same");
  put_records(older, 3);
  ClusterMember& newcomer = grounds->start("same");
  ASSERT_TRUE(eventually([&] { return !older.fenced.empty(); }));
  EXPECT_EQ(older.fenced, std::vector<FenceReason>{FenceReason::kReplaced});
  ASSERT_TRUE(eventually([&] { return newcomer.orphans.size() == 4; }, kTakeOverMs));
  EXPECT_EQ(newcomer.orphan_owners[older.connection(1)], older.self);
  EXPECT_TRUE(newcomer.fenced.empty());
}

INSTANTIATE_TEST_SUITE_P(Over, BackplaneLives, kAll, kind_of);

}  // namespace
}  // namespace sockhook::backplane
