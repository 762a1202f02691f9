// Every $disconnect arrives, whatever the backend does meanwhile (contract 3.4).

#include "proxy/webhook/disconnect_backlog.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/proxy/webhook/webhook_fixture.h"

namespace sockhook::webhooks {
namespace {

class DisconnectBacklogTest : public WebhookTest {
 protected:
  bool drained(int limit_ms = 10'000) {
    return until([&] { return side().client->backlog() == 0; }, limit_ms);
  }
  void disconnect_many(int count) {
    for (int i = 0; i < count; ++i) disconnect();
  }
  std::size_t distinct_requests() const {
    const auto seen = ids_of_requests();
    return std::set<std::string>(seen.begin(), seen.end()).size();
  }
};

TEST_F(DisconnectBacklogTest, ADisconnectIsPostedOnce) {
  disconnect();
  EXPECT_EQ(side().client->backlog(), 1U);
  EXPECT_EQ(side().metrics.disconnect_backlog.value(), 1);
  EXPECT_TRUE(drained());
  EXPECT_EQ(side().metrics.disconnect_backlog.value(), 0);
  ASSERT_EQ(requests().size(), 1U);
  EXPECT_EQ(requests()[0].line, "POST /disconnect HTTP/1.1");
  EXPECT_EQ(requests()[0].header("ce-type"), "io.sockhook.disconnect");
  EXPECT_EQ(requests()[0].header("ce-closecode"), "1000");
  EXPECT_TRUE(requests()[0].header("ce-id").ends_with("-end"));
  EXPECT_TRUE(side().results.empty()) << "nobody waits for it";
}

TEST_F(DisconnectBacklogTest, A4xxEndsItAsWell) {
  for (const int final_status : {400, 404, 410}) {
    reply_in_turn({status(final_status)});
    disconnect();
    EXPECT_TRUE(drained());
  }
  EXPECT_EQ(requests().size(), 3U);
}

TEST_F(DisconnectBacklogTest, EverythingElseIsTriedAgainWithTheSameId) {
  for (const int failing : {408, 425, 429, 301, 500, 502, 503, 504}) {
    backend->requests.clear();
    reply_in_turn({status(failing), status(200)});
    disconnect();
    EXPECT_TRUE(drained()) << failing;
    ASSERT_EQ(requests().size(), 2U) << failing;
    EXPECT_EQ(requests()[0].header("ce-id"), requests()[1].header("ce-id"));
    EXPECT_EQ(requests()[0].header("ce-time"), requests()[1].header("ce-time"));
  }
  for (const Reply& failing : {reset(), fin(), fin("garbage")}) {
    backend->requests.clear();
    reply_in_turn({failing, status(200)});
    disconnect();
    EXPECT_TRUE(drained());
    EXPECT_EQ(distinct_requests(), 1U);
  }
}

TEST_F(DisconnectBacklogTest, ADyingCrowdDoesNotFloodTheBackend) {
  reply_in_turn({hang()});
  disconnect_many(50);
  run_for(100);
  EXPECT_EQ(requests().size(), DisconnectBacklog::kInFlight);
  reply_in_turn({status(204)});
  while (!backend->hanging.empty()) backend->release();
  EXPECT_TRUE(drained());
  EXPECT_EQ(distinct_requests(), 50U);
  EXPECT_EQ(requests().size(), 50U);
}

TEST_F(DisconnectBacklogTest, TheyAreSentInTheOrderInWhichTheyCame) {
  config.backends[0].max_connections = 1;
  disconnect_many(10);
  EXPECT_TRUE(drained());
  // An id's slot counts up with each job of the fixture.
  std::vector<uint32_t> slots;
  for (const auto& request : requests()) {
    const auto id = webhook::ConnectionId::parse(request.header("ce-connectionid"));
    slots.push_back(ids.locate(*id)->slot);
  }
  EXPECT_TRUE(std::is_sorted(slots.begin(), slots.end()));
}

TEST_F(DisconnectBacklogTest, OneThatFailsByItselfDoesNotHoldUpTheOthers) {
  std::string poison;
  backend->script = [&](const testing::WebhookRequest& request) {
    if (poison.empty()) poison = request.header("ce-id");
    return status(request.header("ce-id") == poison ? 500 : 204);
  };
  disconnect_many(100);
  EXPECT_TRUE(until([&] { return side().client->backlog() == 1; }));
  backend->script = [](const testing::WebhookRequest&) { return status(204); };
  EXPECT_TRUE(drained());
  EXPECT_EQ(distinct_requests(), 100U);
}

TEST_F(DisconnectBacklogTest, AfterAnOutageOneProbeAtATimeAsksAndThenAllArrive) {
  reply_in_turn({status(503)});
  disconnect_many(60);
  ASSERT_TRUE(until([&] { return requests().size() >= DisconnectBacklog::kInFlight; }));
  const std::size_t before = requests().size();
  EXPECT_LE(before, DisconnectBacklog::kInFlight + 1) << "then one probe at a time";
  reply_in_turn({hang()});
  ASSERT_TRUE(until([&] { return !backend->hanging.empty(); }));
  run_for(600);
  EXPECT_EQ(backend->hanging.size(), 1U) << "no second one while a probe is out";
  reply_in_turn({status(204)});
  backend->release();
  EXPECT_TRUE(drained());
  EXPECT_EQ(distinct_requests(), 60U);
}

TEST_F(DisconnectBacklogTest, ProbesBecomeRareWhileTheOutageLasts) {
  reply_in_turn({status(503)});
  disconnect();
  run_for(2500);
  // 250 ms doubling, with full jitter: about 5 by then; every 125 ms they would be 20.
  EXPECT_GE(requests().size(), 2U);
  EXPECT_LE(requests().size(), 13U);
}

TEST_F(DisconnectBacklogTest, ABackendThatWasAwayGetsAllThatItMissed) {
  side();
  const net::SocketAddress address = backend->address();
  backend->close();
  run_for(30);
  disconnect_many(30);
  run_for(300);
  EXPECT_EQ(side().client->backlog(), 30U);
  const auto away = std::move(backend);
  backend = std::make_unique<testing::WebhookBackend>(runner.loop(), address);
  EXPECT_TRUE(drained());
  EXPECT_EQ(distinct_requests(), 30U);
}

TEST_F(DisconnectBacklogTest, TwoWorkersProbeOneAtATime) {
  Side& one = add_side();
  Side& two = add_side();
  reply_in_turn({status(503)});
  disconnect(one);
  disconnect(two);
  ASSERT_TRUE(until([&] { return requests().size() >= 2; })) << "both know of the outage";
  reply_in_turn({hang()});
  ASSERT_TRUE(until([&] { return !backend->hanging.empty(); }));
  run_for(700);
  EXPECT_EQ(backend->hanging.size(), 1U);
  reply_in_turn({status(204)});
  backend->release();
  EXPECT_TRUE(until([&] { return one.client->backlog() + two.client->backlog() == 0; }));
}

TEST_F(DisconnectBacklogTest, LiveTrafficGoesFirst) {
  config.backends[0].max_connections = 1;
  reply_in_turn({hang()});
  disconnect();
  ASSERT_TRUE(until([&] { return requests().size() == 1; }));
  disconnect();
  message("live");
  run_for(30);
  reply_in_turn({status(204)});
  backend->release();
  EXPECT_TRUE(drained());
  EXPECT_EQ(requests()[1].line, "POST /message HTTP/1.1");
}

TEST_F(DisconnectBacklogTest, OneThatIsTooOldIsGivenUp) {
  endpoint().disconnect_retry = conf::Duration{300};
  reply_in_turn({status(500)});
  disconnect();
  EXPECT_TRUE(drained());
  EXPECT_GE(requests().size(), 1U);
}

TEST_F(DisconnectBacklogTest, OneThatIsTooOldIsGivenUpInAnOutageToo) {
  endpoint().disconnect_retry = conf::Duration{300};
  reply_in_turn({reset()});
  disconnect_many(3);
  EXPECT_TRUE(drained());
}

TEST_F(DisconnectBacklogTest, EachIsTriedOnceHoweverOldItHasGrownWaiting) {
  endpoint().disconnect_retry = conf::Duration{0};
  disconnect();
  EXPECT_TRUE(drained());
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(DisconnectBacklogTest, GivingUpDropsWhatRunsAndWhatWaits) {
  reply_in_turn({status(500), hang()});
  disconnect_many(40);
  ASSERT_TRUE(until([&] { return requests().size() >= DisconnectBacklog::kInFlight; }));
  side().client->end_backlog();
  EXPECT_EQ(side().client->backlog(), 0U);
  EXPECT_EQ(side().metrics.disconnect_backlog.value(), 0);
  run_for(400);
  EXPECT_LE(requests().size(), DisconnectBacklog::kInFlight + 1) << "nothing follows";
  EXPECT_TRUE(gate.begin_probe()) << "no probe is left behind";
}

}  // namespace
}  // namespace sockhook::webhooks
