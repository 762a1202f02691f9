// A node that may have been declared dead sends no webhook (contract 8).

#include "proxy/webhook/lease_guard.h"

#include <limits>

#include "tests/proxy/webhook/webhook_fixture.h"

namespace sockhook::webhooks {
namespace {

class LeaseGuardTest : public WebhookTest {
 protected:
  LeaseGuardTest() { cluster.lease_ok_until_ms = &ok_until_ms; }

  static uint64_t now_ms() { return uv_hrtime() / 1'000'000; }
  void let_lease_run_out() { ok_until_ms = now_ms() - 1; }
  void renew_lease() { ok_until_ms = now_ms() + 60'000; }

  std::atomic<uint64_t> ok_until_ms{std::numeric_limits<uint64_t>::max()};
};

TEST_F(LeaseGuardTest, WithALeaseWebhooksGo) {
  message("one");
  EXPECT_EQ(result().outcome, Outcome::kAnswered);
  renew_lease();
  message("two");
  EXPECT_EQ(result().outcome, Outcome::kAnswered);
}

TEST_F(LeaseGuardTest, WithoutOneTheyWaitInOrderUntilItIsConfirmed) {
  side();
  let_lease_run_out();
  config.backends[0].max_connections = 1;
  connect();
  message("a");
  disconnect();
  run_for(100);
  EXPECT_THAT(requests(), IsEmpty());
  EXPECT_THAT(side().results, IsEmpty());
  EXPECT_EQ(side().metrics.webhooks_in_flight.value(), 0);
  renew_lease();
  side().client->on_lease_confirmed();
  ASSERT_TRUE(until([&] { return requests().size() == 3; }));
  EXPECT_EQ(requests()[0].line, "POST /connect HTTP/1.1");
  EXPECT_EQ(requests()[1].body, "a");
  EXPECT_TRUE(until([&] { return side().client->backlog() == 0; }));
}

TEST_F(LeaseGuardTest, ARenewedLeaseIsSeenWithoutAWordOfTheControl) {
  side();
  let_lease_run_out();
  message("a");
  run_for(50);
  renew_lease();
  EXPECT_EQ(result().outcome, Outcome::kAnswered);
}

TEST_F(LeaseGuardTest, TheClockIsReadAnewForEachWebhook) {
  // The lease ends while the loop stands still: its own clock shows the time before.
  message("warm");
  result();
  ok_until_ms = now_ms() + 30;
  uv_sleep(60);
  message("late");
  EXPECT_EQ(side().results.size(), 0U);
  run_for(50);
  EXPECT_EQ(requests().size(), 1U);
  renew_lease();
  EXPECT_EQ(result().outcome, Outcome::kAnswered);
}

TEST_F(LeaseGuardTest, WhatWaitedForAConnectionMeanwhileIsHeldToo) {
  config.backends[0].max_connections = 1;
  reply_in_turn({hang(), status(200)});
  message("runs");
  ASSERT_TRUE(until([&] { return requests().size() == 1; }));
  for (int i = 0; i < 50; ++i) message("waits");
  let_lease_run_out();
  backend->release();
  EXPECT_EQ(result().outcome, Outcome::kAnswered) << "the answer to what was sent before";
  run_for(100);
  EXPECT_EQ(requests().size(), 1U);
  renew_lease();
  EXPECT_TRUE(until([&] { return side().results.size() == 50; }));
}

TEST_F(LeaseGuardTest, NoRetryLeavesWithoutALease) {
  endpoint().disconnect_retry = conf::Duration{60'000};
  reply_in_turn({status(500), status(200)});
  disconnect();
  ASSERT_TRUE(until([&] { return requests().size() == 1; }));
  let_lease_run_out();
  run_for(600);
  EXPECT_EQ(requests().size(), 1U);
  renew_lease();
  EXPECT_TRUE(until([&] { return side().client->backlog() == 0; }));
}

TEST_F(LeaseGuardTest, AParkedWebhooksTimeGoesOn) {
  message_route().timeout = conf::Duration{100};
  side();
  let_lease_run_out();
  message("a");
  const WebhookResult timed_out = result();
  EXPECT_EQ(timed_out.outcome, Outcome::kTimedOut);
  EXPECT_FALSE(timed_out.may_have_arrived);
  EXPECT_THAT(requests(), IsEmpty());
}

TEST_F(LeaseGuardTest, AConnectionThatBrokeMeanwhileIsReplaced) {
  message("warm");
  result();
  side();
  let_lease_run_out();
  message("a");
  run_for(20);
  const net::SocketAddress address = backend->address();
  backend->close();
  run_for(50);
  const auto away = std::move(backend);
  backend = std::make_unique<testing::WebhookBackend>(runner.loop(), address);
  renew_lease();
  EXPECT_EQ(result().outcome, Outcome::kAnswered);
}

TEST_F(LeaseGuardTest, WhatIsDroppedNeverGoes) {
  side();
  let_lease_run_out();
  connect();
  message("a");
  for (int i = 0; i < 40; ++i) disconnect();
  run_for(20);
  side().client->drop_all();
  EXPECT_EQ(side().client->backlog(), 0U);
  renew_lease();
  run_for(200);
  EXPECT_THAT(requests(), IsEmpty());
  EXPECT_THAT(side().results, IsEmpty());
  message("of the new life");
  EXPECT_EQ(result().outcome, Outcome::kAnswered);
}

}  // namespace
}  // namespace sockhook::webhooks
