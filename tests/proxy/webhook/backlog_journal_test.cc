// What the cluster hears of $disconnects that have to wait, and of those that are settled.

#include <algorithm>
#include <map>

#include "tests/proxy/webhook/webhook_fixture.h"

namespace sockhook::webhooks {
namespace {

struct Heard final : routing::ConnectionJournal {
  void named(backplane::NameKind, std::string_view, const webhook::ConnectionId&, bool) override {}
  void opened(const routing::FactsPtr&) override {}
  void changed(const routing::FactsPtr&) override {}
  void owed(const routing::WebhookJob& job) override {
    EXPECT_EQ(job.close_code, 1000);
    ++owed_times[job.facts->id];
  }
  void settled(const webhook::ConnectionId& id) override { ++settled_times[id]; }

  std::map<webhook::ConnectionId, int> owed_times;
  std::map<webhook::ConnectionId, int> settled_times;
};

class BacklogJournalTest : public WebhookTest {
 protected:
  BacklogJournalTest() { cluster.journal = &heard; }

  void disconnect_many(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) disconnect();
  }
  bool all_settled(std::size_t count) {
    return until([&] { return heard.settled_times.size() == count; });
  }
  // Each of them has been told this often.
  bool all_owed(std::size_t count, int times) const {
    return heard.owed_times.size() == count &&
           std::all_of(heard.owed_times.begin(), heard.owed_times.end(),
                       [&](const auto& entry) { return entry.second == times; });
  }

  Heard heard;
};

TEST_F(BacklogJournalTest, OneThatArrivesAtOnceIsOnlySettled) {
  disconnect();
  EXPECT_TRUE(all_settled(1));
  EXPECT_THAT(heard.owed_times, IsEmpty());
}

TEST_F(BacklogJournalTest, OneThatFailsIsToldOnceHoweverOftenItFails) {
  reply_in_turn({status(500), status(500), status(204)});
  disconnect();
  ASSERT_TRUE(until([&] { return heard.owed_times.size() == 1; }));
  EXPECT_THAT(heard.settled_times, IsEmpty());
  EXPECT_TRUE(all_settled(1));
  EXPECT_TRUE(all_owed(1, 1));
}

TEST_F(BacklogJournalTest, InAnOutageAllThatWaitAreTold) {
  reply_in_turn({status(503)});
  disconnect_many(1200);
  EXPECT_TRUE(until([&] { return all_owed(1200, 1); })) << heard.owed_times.size();
  reply_in_turn({status(204)});
  EXPECT_TRUE(all_settled(1200));
  EXPECT_TRUE(all_owed(1200, 1));
}

TEST_F(BacklogJournalTest, ASlowFirstTryIsToldWhileItRuns) {
  reply_in_turn({hang(), status(204)});
  disconnect();
  run_for(150);
  EXPECT_THAT(heard.owed_times, IsEmpty());
  EXPECT_TRUE(until([&] { return all_owed(1, 1); }, 300));
  backend->release();
  EXPECT_TRUE(all_settled(1));
}

TEST_F(BacklogJournalTest, OneThatIsGivenUpIsSettled) {
  endpoint().disconnect_retry = conf::Duration{300};
  reply_in_turn({status(500)});
  disconnect();
  EXPECT_TRUE(all_settled(1));
  EXPECT_EQ(side().client->backlog(), 0U);
}

TEST_F(BacklogJournalTest, TheTimeToRetryCountsFromTheEnd) {
  endpoint().disconnect_retry = conf::Duration{60'000};
  reply_in_turn({status(500)});
  routing::WebhookJob old = job(webhook::EventKind::kDisconnect);
  old.route = old.facts->endpoint->disconnect;
  old.close_code = 1000;
  old.time_ms -= 59'900;
  side().client->start(old);
  EXPECT_TRUE(all_settled(1)) << "a dead node had tried before";
}

TEST_F(BacklogJournalTest, AllAreToldAgainWhenTheClusterHasForgotten) {
  // Some that the backend fails on by themselves, some that wait behind them.
  backend->script = [](const testing::WebhookRequest&) { return status(500); };
  disconnect_many(700);
  ASSERT_TRUE(until([&] { return all_owed(700, 1); }));
  side().client->tell_owed_again();
  EXPECT_TRUE(until([&] { return all_owed(700, 2); }));
  run_for(100);
  EXPECT_TRUE(all_owed(700, 2)) << "once more, no more";
}

TEST_F(BacklogJournalTest, InAnOutageAllAreToldAgainToo) {
  reply_in_turn({status(503)});
  disconnect_many(1200);
  ASSERT_TRUE(until([&] { return all_owed(1200, 1); }));
  side().client->tell_owed_again();
  EXPECT_TRUE(until([&] { return all_owed(1200, 2); }));
  side().client->tell_owed_again();
  side().client->tell_owed_again();
  EXPECT_TRUE(until([&] {
    return std::all_of(heard.owed_times.begin(), heard.owed_times.end(),
                       [](const auto& entry) { return entry.second >= 3; });
  }));
}

TEST_F(BacklogJournalTest, AtTheEndOfADrainAllAreToldAndNoneIsSettled) {
  reply_in_turn({hang()});
  disconnect_many(40);
  side().client->end_backlog();
  EXPECT_EQ(side().client->backlog(), 0U);
  EXPECT_TRUE(all_owed(40, 1));
  EXPECT_THAT(heard.settled_times, IsEmpty());
}

TEST_F(BacklogJournalTest, InANewLifeNothingIsSaidOfTheOldOne) {
  reply_in_turn({hang()});
  disconnect_many(40);
  side().client->drop_all();
  run_for(400);
  EXPECT_EQ(side().client->backlog(), 0U);
  EXPECT_EQ(side().metrics.disconnect_backlog.value(), 0);
  EXPECT_THAT(heard.owed_times, IsEmpty());
  EXPECT_THAT(heard.settled_times, IsEmpty());
}

TEST_F(BacklogJournalTest, ADeadNodesConnectionEndsInItsName) {
  routing::WebhookJob orphan = job(webhook::EventKind::kDisconnect);
  auto facts = std::make_shared<routing::ConnectionFacts>(*orphan.facts);
  facts->owner = std::make_shared<const std::string>("gw-2");
  orphan.facts = facts;
  orphan.route = facts->endpoint->disconnect;
  orphan.close_code = 1000;
  side().client->start(orphan);
  disconnect();
  ASSERT_TRUE(all_settled(2));
  EXPECT_EQ(requests()[0].header("ce-source"), "/nodes/gw-2/endpoints/chat");
  EXPECT_EQ(requests()[1].header("ce-source"), "/nodes/gw-1/endpoints/chat");
}

}  // namespace
}  // namespace sockhook::webhooks
