// What a node tells the cluster and hears from it, and what its workers are told (contract 7, 8).

#include "proxy/cluster/cluster_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "tests/proxy/cluster/scripted_backplane.h"
#include "tests/proxy/management/fake_router.h"
#include "tests/support/loop_runner.h"

namespace sockhook::cluster {
namespace {

using backplane::FenceReason;
using backplane::Name;
using backplane::NameKind;
using backplane::Record;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr unsigned kWorkers = 2;

NodeKey key(std::uint8_t number) { return {{number, 0, 0, 0, 0, 0}}; }
webhook::ConnectionId id_of(std::uint8_t life, std::uint8_t number = 0) {
  return webhook::IdScheme(key(life), {}).make({0, number}, {});
}

class ClusterNodeTest : public ::testing::Test, protected ClusterOwner {
 protected:
  explicit ClusterNodeTest(bool fences = false)
      : node(runner.loop(),
             {{key(1), "gw-1"},
              kWorkers,
              fences,
              100,
              [this](unsigned worker, WorkerMessage&& message) {
                if (full.contains(worker)) return false;
                mailboxes[worker].push_back(std::move(message));
                return true;
              }},
             local, backplane, lease_ok_until_ms, static_cast<ClusterOwner*>(this)) {
    node.start();
  }

  backplane::BackplaneListener& told() { return *backplane.listener; }
  static std::uint64_t now_ms() { return uv_hrtime() / 1'000'000; }

  JournalEntries entries(unsigned worker = 0, std::uint8_t life = 1) {
    return {worker, key(life), {}, {}, {}};
  }
  void says(NameKind kind, const std::string& name, const webhook::ConnectionId& id,
            bool is_member = true) {
    JournalEntries said = entries();
    said.names.push_back({{kind, name}, id, is_member});
    node.handle(said);
  }
  template <typename Message>
  std::size_t count_of(unsigned worker) {
    return static_cast<std::size_t>(std::count_if(
        mailboxes[worker].begin(), mailboxes[worker].end(),
        [](const auto& message) { return std::holds_alternative<Message>(message); }));
  }
  template <typename Message>
  const Message& last(unsigned worker) {
    return std::get<Message>(mailboxes[worker].back());
  }
  void begin_new_life() {
    told().on_fenced(FenceReason::kLost);
    for (unsigned worker = 0; worker < kWorkers; ++worker) node.handle(NewLifeBegun{worker});
  }

  // ClusterOwner
  std::shared_ptr<const webhook::IdScheme> begin_life() override {
    return std::make_shared<const webhook::IdScheme>(key(++lives), webhook::IdScheme::Secret{});
  }
  void set_cut_off(bool value) override { is_cut_off = value; }
  void on_replaced() override { is_replaced = true; }
  void on_left() override { has_left = true; }

  testing::LoopRunner runner;
  std::deque<WorkerMessage> mailboxes[kWorkers];
  std::set<unsigned> full;
  management::FakeRouter local;
  backplane::ScriptedBackplane backplane;
  std::atomic<std::uint64_t> lease_ok_until_ms{UINT64_MAX};
  std::uint8_t lives = 1;
  bool is_cut_off = false;
  bool is_replaced = false;
  bool has_left = false;
  ClusterNode node;
};

class FencingNodeTest : public ClusterNodeTest {
 protected:
  FencingNodeTest() : ClusterNodeTest(true) {}
};

// ---------------------------------------------------------------------------------------------
// Names.

TEST_F(ClusterNodeTest, WhatWorkersTellOfANameIsAddedUp) {
  says(NameKind::kGroup, "g", id_of(1, 1));
  says(NameKind::kGroup, "g", id_of(1, 2));
  ASSERT_THAT(backplane.presences, SizeIs(2));
  EXPECT_EQ(backplane.presences.back().first, (Name{NameKind::kGroup, "g"}));
  EXPECT_EQ(backplane.presences.back().second.count, 2U);
  says(NameKind::kGroup, "g", id_of(1, 1), false);
  says(NameKind::kGroup, "g", id_of(1, 2), false);
  EXPECT_EQ(backplane.presences.back().second.count, 0U);
}

TEST_F(ClusterNodeTest, OfAUserTheConnectionsAreTold) {
  says(NameKind::kUser, "ann", id_of(1, 1));
  says(NameKind::kUser, "ann", id_of(1, 2));
  says(NameKind::kUser, "ann", id_of(1, 1), false);
  EXPECT_THAT(backplane.presences.back().second.connections, ElementsAre(id_of(1, 2)));
  EXPECT_EQ(backplane.presences.back().second.count, 1U);
}

TEST_F(ClusterNodeTest, ABatchTellsEachNameOnce) {
  JournalEntries said = entries();
  for (std::uint8_t i = 0; i < 100; ++i) {
    said.names.push_back({{NameKind::kUser, "ann"}, id_of(1, i), true});
  }
  node.handle(said);
  ASSERT_THAT(backplane.presences, SizeIs(1));
  EXPECT_EQ(backplane.presences.back().second.count, 100U);
}

TEST_F(ClusterNodeTest, ARepairTellsAllNamesAndHasAllRecordsTold) {
  says(NameKind::kGroup, "g", id_of(1, 1));
  says(NameKind::kUser, "ann", id_of(1, 1));
  backplane.presences.clear();
  told().on_repair();
  EXPECT_THAT(backplane.presences, SizeIs(2));
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    EXPECT_EQ(count_of<TellRecords>(worker), 1U);
  }
}

TEST_F(ClusterNodeTest, AnOrderThatAFullMailboxRefusesComesLater) {
  full = {1};
  told().on_repair();
  EXPECT_EQ(count_of<TellRecords>(1), 0U);
  runner.run_for(50);
  full.clear();
  EXPECT_TRUE(runner.run_until([&] { return count_of<TellRecords>(1) == 1; }));
  EXPECT_EQ(count_of<TellRecords>(0), 1U);
}

// ---------------------------------------------------------------------------------------------
// Records and orphans.

TEST_F(ClusterNodeTest, RecordsAreWrittenAndErasedAndWhoWaitsIsTold) {
  JournalEntries said = entries(1);
  said.records.push_back({{id_of(1, 1), "data"}, 7});
  said.records.push_back({{id_of(1, 2), "more"}, 0});
  said.records.push_back({{id_of(1, 3), ""}, 0});
  node.handle(said);
  ASSERT_THAT(backplane.records, SizeIs(2));
  EXPECT_EQ(backplane.records[0].first.data, "data");
  EXPECT_EQ(backplane.records[1].second, 0U) << "nobody waits";
  EXPECT_THAT(backplane.erased, ElementsAre(id_of(1, 3)));
  told().on_recorded(backplane.records[0].second, true);
  EXPECT_TRUE(runner.run_until([&] { return count_of<RecordsWritten>(1) == 1; }));
  EXPECT_THAT(last<RecordsWritten>(1).tickets, ElementsAre(7U));
  EXPECT_EQ(count_of<RecordsWritten>(0), 0U);
}

TEST_F(ClusterNodeTest, WorkersWithTheSameTicketsAreToldApart) {
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    JournalEntries said = entries(worker);
    said.records.push_back({{id_of(1, static_cast<std::uint8_t>(worker)), "data"}, 7});
    node.handle(said);
  }
  told().on_recorded(backplane.records[1].second, false);
  EXPECT_TRUE(runner.run_until([&] { return count_of<RecordsWritten>(1) == 1; }));
  EXPECT_EQ(count_of<RecordsWritten>(0), 0U);
}

TEST_F(ClusterNodeTest, OrphansGoToTheWorkersInTurnAndAreFinished) {
  std::vector<Record> records;
  for (std::uint8_t i = 0; i < 5; ++i) records.push_back({id_of(9, i), "data"});
  told().on_orphans({key(9), "gw-9"}, records);
  EXPECT_THAT(last<AdoptOrphans>(0).records, SizeIs(3));
  EXPECT_THAT(last<AdoptOrphans>(1).records, SizeIs(2));
  EXPECT_EQ(last<AdoptOrphans>(1).owner.name, "gw-9");
  told().on_orphans({key(9), "gw-9"}, {records[0]});
  EXPECT_EQ(count_of<AdoptOrphans>(1), 2U) << "the turn goes on";
  JournalEntries said = entries();
  said.orphans.push_back({key(9), id_of(9, 1)});
  node.handle(said);
  EXPECT_THAT(backplane.finished, ElementsAre(std::make_pair(key(9), id_of(9, 1))));
}

// ---------------------------------------------------------------------------------------------
// The lease.

TEST_F(ClusterNodeTest, EachHeartbeatRenewsTheLeaseAndTellsTheWorkers) {
  told().on_up();
  told().on_lease(now_ms() + 1000);
  const std::uint64_t first_ms = lease_ok_until_ms;
  EXPECT_LE(first_ms, now_ms() + 1000);
  told().on_lease(now_ms() + 2000);
  EXPECT_GT(lease_ok_until_ms, first_ms);
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    EXPECT_EQ(count_of<LeaseConfirmed>(worker), 2U);
  }
}

TEST_F(ClusterNodeTest, WhenTheBackplaneGoesAwayTheNodeServesOn) {
  told().on_up();
  told().on_lease(now_ms() + 1000);
  told().on_down();
  EXPECT_EQ(lease_ok_until_ms, UINT64_MAX);
  told().on_lease(now_ms() + 1000);
  EXPECT_NE(lease_ok_until_ms, UINT64_MAX);
  EXPECT_EQ(count_of<CutOff>(0), 0U);
}

TEST_F(ClusterNodeTest, AStandstillParksWebhooksUntilTheBackplaneTells) {
  told().on_up();
  told().on_lease(now_ms() + 20);
  runner.run_for(60);
  EXPECT_LT(lease_ok_until_ms, now_ms());
  told().on_down();  // the link did not survive it: it has some time to come back
  runner.run_for(60);
  EXPECT_LT(lease_ok_until_ms, now_ms());
  told().on_lease(now_ms() + 1000);
  EXPECT_GT(lease_ok_until_ms, now_ms());
  EXPECT_NE(lease_ok_until_ms, UINT64_MAX);
}

TEST_F(ClusterNodeTest, AStandstillThatEndsWithoutTheBackplaneIsOverAfterAWhile) {
  told().on_up();
  told().on_lease(now_ms() + 20);
  runner.run_for(60);
  told().on_down();
  EXPECT_TRUE(runner.run_until([&] { return lease_ok_until_ms == UINT64_MAX; },
                               static_cast<int>(Lease::kReturnMs) + 1000));
}

TEST_F(ClusterNodeTest, ALeaseThatIsGrantedWhileTheLinkComesBackAndRunsOutIsNoneAgain) {
  told().on_lease(now_ms() + 30);
  EXPECT_TRUE(runner.run_until([&] { return lease_ok_until_ms == UINT64_MAX; }));
}

TEST_F(FencingNodeTest, ConnectionsAreClosedWhenTheLeaseWouldHaveRunOut) {
  told().on_up();
  told().on_lease(now_ms() + 80);
  told().on_down();
  EXPECT_FALSE(is_cut_off);
  EXPECT_TRUE(runner.run_until([&] { return is_cut_off; }));
  EXPECT_LE(lease_ok_until_ms, now_ms()) << "their $disconnects wait";
  for (unsigned worker = 0; worker < kWorkers; ++worker) EXPECT_EQ(count_of<CutOff>(worker), 1U);
  told().on_lease(now_ms() + 1000);
  EXPECT_FALSE(is_cut_off);
  EXPECT_GT(lease_ok_until_ms, now_ms());
}

TEST_F(FencingNodeTest, ANodeThatWasDeclaredDeadMeanwhileTakesClientsAgainToo) {
  told().on_up();
  told().on_lease(now_ms() + 20);
  told().on_down();
  EXPECT_TRUE(runner.run_until([&] { return is_cut_off; }));
  told().on_fenced(FenceReason::kLost);
  EXPECT_FALSE(is_cut_off);
}

// ---------------------------------------------------------------------------------------------
// Death, and a new life.

TEST_F(ClusterNodeTest, ANodeThatIsDeclaredDeadBeginsAnew) {
  says(NameKind::kGroup, "g", id_of(1, 1));
  told().on_fenced(FenceReason::kLost);
  EXPECT_EQ(lease_ok_until_ms, 0U) << "no webhook of the life before";
  EXPECT_EQ(last<BeginNewLife>(0).ids->node_key(), key(2));
  node.handle(NewLifeBegun{0});
  EXPECT_EQ(backplane.restarts, 0) << "one worker has not closed its connections yet";
  backplane.presences.clear();
  node.handle(NewLifeBegun{1});
  EXPECT_EQ(backplane.restarts, 1);
  EXPECT_EQ(backplane.own.key, key(2));
  EXPECT_EQ(lease_ok_until_ms, UINT64_MAX);
  EXPECT_THAT(backplane.presences, IsEmpty()) << "nobody is left";
}

TEST_F(ClusterNodeTest, WhatWorkersSaidInTheLifeBeforeIsVoid) {
  says(NameKind::kGroup, "g", id_of(1, 1));
  begin_new_life();
  backplane.presences.clear();
  says(NameKind::kGroup, "g", id_of(1, 1), false);
  JournalEntries late = entries(0, 1);
  late.records.push_back({{id_of(1, 1), "data"}, 7});
  late.orphans.push_back({key(9), id_of(9)});
  node.handle(late);
  EXPECT_THAT(backplane.presences, IsEmpty());
  EXPECT_THAT(backplane.records, IsEmpty());
  EXPECT_THAT(backplane.finished, IsEmpty());
}

TEST_F(ClusterNodeTest, AConnectionOfTheLifeBeforeThatEndsLateIsNobody) {
  begin_new_life();
  JournalEntries said = entries(0, 2);
  said.names.push_back({{NameKind::kGroup, "g"}, id_of(1, 1), false});
  said.names.push_back({{NameKind::kGroup, "g"}, id_of(2, 1), true});
  node.handle(said);
  ASSERT_THAT(backplane.presences, SizeIs(1));
  EXPECT_EQ(backplane.presences[0].second.count, 1U);
}

TEST_F(ClusterNodeTest, WhatIsToldWhileWorkersCloseIsToldAgain) {
  told().on_fenced(FenceReason::kLost);
  node.handle(NewLifeBegun{0});
  JournalEntries said = entries(0, 2);
  said.names.push_back({{NameKind::kGroup, "g"}, id_of(2, 1), true});
  node.handle(said);
  backplane.presences.clear();
  node.handle(NewLifeBegun{1});
  EXPECT_THAT(backplane.presences, SizeIs(1));
}

TEST_F(ClusterNodeTest, ANodeThatIsReplacedClosesItsConnectionsAndEnds) {
  told().on_fenced(FenceReason::kReplaced);
  EXPECT_TRUE(is_replaced);
  EXPECT_EQ(count_of<BeginNewLife>(0), 1U);
  for (unsigned worker = 0; worker < kWorkers; ++worker) node.handle(NewLifeBegun{worker});
  EXPECT_EQ(backplane.restarts, 0);
}

TEST_F(ClusterNodeTest, LeavingIsOverWhenTheBackplaneSaysSo) {
  node.leave();
  EXPECT_TRUE(backplane.has_left);
  EXPECT_FALSE(has_left);
  told().on_left();
  EXPECT_TRUE(has_left);
}

}  // namespace
}  // namespace sockhook::cluster
