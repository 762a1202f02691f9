// What the control hears of a worker's connections, and when.

#include "proxy/journal/worker_journal.h"

#include "tests/proxy/journal/journal_fixture.h"

namespace sockhook::journal {
namespace {

using backplane::NameKind;

class WorkerJournalTest : public JournalTest {};

TEST_F(WorkerJournalTest, WhatOneTurnBringsTravelsTogetherInOrder) {
  const auto facts = make_facts();
  journal().named(NameKind::kGroup, "red", facts->id, true);
  journal().named(NameKind::kUser, "ann", facts->id, true);
  journal().named(NameKind::kGroup, "red", facts->id, false);
  journal().write(*facts);
  EXPECT_THAT(told, IsEmpty()) << "not in the middle of an event";
  turn();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].worker, 3U);
  EXPECT_EQ(told[0].life, ids.node_key());
  ASSERT_EQ(told[0].names.size(), 3U);
  EXPECT_EQ(told[0].names[0].name, (backplane::Name{NameKind::kGroup, "red"}));
  EXPECT_TRUE(told[0].names[0].is_member);
  EXPECT_EQ(told[0].names[1].name, (backplane::Name{NameKind::kUser, "ann"}));
  EXPECT_FALSE(told[0].names[2].is_member);
  EXPECT_EQ(told[0].records.size(), 1U);
  turn();
  EXPECT_EQ(told.size(), 1U) << "nothing new, nothing said";
}

TEST_F(WorkerJournalTest, AConnectionThatOpensIsWrittenAtOnceIfThereIsSomethingNew) {
  const auto silent = make_facts();
  journal().opened(silent);
  turn();
  EXPECT_THAT(take_records(), IsEmpty()) << "its record was written before its $connect";
  const auto named = make_facts();
  named->user = "ann";
  journal().opened(named);
  turn();
  EXPECT_THAT(take_records(), ElementsAre("ann/"));
}

TEST_F(WorkerJournalTest, AConnectionThatNobodyWasAskedForIsWrittenWhenItOpens) {
  config.endpoints[0].routes.connect.reset();
  journal().opened(make_facts());
  turn();
  EXPECT_THAT(take_records(), ElementsAre("/"));
}

TEST_F(WorkerJournalTest, ChangesAreWrittenOnceWithinTheSecond) {
  const auto one = make_facts();
  const auto two = make_facts();
  for (int i = 0; i < 10; ++i) {
    one->state = std::to_string(i);
    journal().changed(one);
    journal().changed(two);
  }
  turn();
  EXPECT_THAT(told, IsEmpty());
  ASSERT_TRUE(runner.run_until([&] { return !told.empty(); }, 900));
  EXPECT_THAT(take_records(), ElementsAre("/9", "/"));
  runner.run_for(600);
  EXPECT_THAT(take_records(), IsEmpty());
}

TEST_F(WorkerJournalTest, NoChangeComesBehindTheEnd) {
  const auto gone = make_facts();
  const auto owing = make_facts();
  journal().changed(gone);
  journal().changed(owing);
  journal().settled(gone->id);
  journal().owed(disconnect_of(owing));
  runner.run_for(700);
  EXPECT_THAT(take_records(), ElementsAre("erased", "/ 4001"));
}

TEST_F(WorkerJournalTest, AnEndpointWithoutARouteForDisconnectHasNoRecords) {
  config.endpoints[0].routes.disconnect.reset();
  const auto facts = make_facts();
  facts->user = "ann";
  journal().opened(facts);
  journal().changed(facts);
  journal().write(*facts);
  runner.run_for(700);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(WorkerJournalTest, WhatIsSettledForADeadNodeIsItsOrphanAndNoRecord) {
  const auto id = other_ids.make({1, 1}, random.bytes<12>());
  const auto facts = make_facts();
  facts->id = id;
  facts->owner = std::make_shared<const std::string>("gw-2");
  journal().owed(disconnect_of(facts));
  journal().settled(id);
  turn();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0].records, IsEmpty());
  ASSERT_EQ(told[0].orphans.size(), 1U);
  EXPECT_EQ(told[0].orphans[0].owner, other_ids.node_key());
  EXPECT_EQ(told[0].orphans[0].id, id);
}

TEST_F(WorkerJournalTest, WhatTheControlHasNoRoomForIsToldLaterInOrder) {
  has_room = false;
  const auto facts = make_facts();
  journal().write(*facts);
  turn();
  facts->user = "ann";
  journal().write(*facts);
  EXPECT_FALSE(journal().flush());
  journal().settled(facts->id);
  runner.run_for(30);
  EXPECT_THAT(told, IsEmpty());
  EXPECT_FALSE(journal().is_full());
  has_room = true;
  ASSERT_TRUE(runner.run_until([&] { return !told.empty(); }));
  EXPECT_THAT(take_records(), ElementsAre("/", "ann/", "erased"));
}

TEST_F(WorkerJournalTest, AControlThatTakesNothingFillsIt) {
  has_room = false;
  const auto facts = make_facts();
  for (std::size_t i = 0; i < WorkerJournal::kFull; ++i) journal().settled(facts->id);
  EXPECT_TRUE(journal().is_full());
  has_room = true;
  EXPECT_TRUE(journal().flush());
  EXPECT_FALSE(journal().is_full());
}

TEST_F(WorkerJournalTest, ANewLifeForgetsWhatTheOldOneHadToSay) {
  const auto facts = make_facts();
  journal().named(NameKind::kGroup, "red", facts->id, true);
  journal().write(*facts);
  journal().changed(make_facts());
  journal().begin_life(other_ids.node_key());
  runner.run_for(700);
  EXPECT_THAT(told, IsEmpty());
  journal().named(NameKind::kGroup, "red", other_ids.make({}, {}), true);
  turn();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].life, other_ids.node_key());
}

TEST_F(WorkerJournalTest, ACrowdOfChangesIsWrittenOverSeveralTurns) {
  std::vector<routing::FactsPtr> crowd;
  for (std::size_t i = 0; i < 2 * WorkerJournal::kChangesAtOnce + 1; ++i) {
    crowd.push_back(make_facts());
    journal().changed(crowd.back());
  }
  std::size_t written = 0;
  EXPECT_TRUE(runner.run_until([&] {
    for (const JournalEntries& entries : told) {
      EXPECT_LE(entries.records.size(), WorkerJournal::kChangesAtOnce);
      written += entries.records.size();
    }
    told.clear();
    return written == crowd.size();
  }));
}

}  // namespace
}  // namespace sockhook::journal
