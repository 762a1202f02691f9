// One webhook and its answer, over real sockets (contract 4).

#include "proxy/webhook/webhook_call.h"

#include "tests/proxy/webhook/webhook_fixture.h"

namespace sockhook::webhooks {
namespace {

class WebhookCallTest : public WebhookTest {
 protected:
  static uint64_t now_ms() { return uv_hrtime() / 1'000'000; }
  // Leaves an idle connection in the pool.
  void use_once() {
    message("first");
    EXPECT_EQ(result().answer.status, 204);
  }
};

TEST_F(WebhookCallTest, AMessageIsPostedToItsRouteAndTheAnswerComesBack) {
  reply_in_turn({status(200, "hi", "X-A: b\r\n")});
  message("hello");
  const WebhookResult answered = result();
  EXPECT_EQ(answered.outcome, Outcome::kAnswered);
  EXPECT_TRUE(answered.may_have_arrived);
  EXPECT_EQ(answered.number, 1U);
  EXPECT_EQ(answered.answer.status, 200);
  EXPECT_EQ(answered.answer.body, "hi");
  EXPECT_EQ(*answered.answer.headers.find("x-a"), "b");
  ASSERT_EQ(requests().size(), 1U);
  EXPECT_EQ(requests()[0].line, "POST /message HTTP/1.1");
  EXPECT_EQ(requests()[0].body, "hello");
  EXPECT_EQ(requests()[0].header("ce-type"), "io.sockhook.message");
  EXPECT_EQ(requests()[0].header("ce-source"), "/nodes/gw-1/endpoints/chat");
}

TEST_F(WebhookCallTest, ALargeMessageArrivesWhole) {
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 7) large[i] = static_cast<char>('a' + i % 26);
  message(large);
  EXPECT_EQ(result().answer.status, 204);
  EXPECT_TRUE(requests()[0].body == large);
}

TEST_F(WebhookCallTest, ConnectionsAreKeptAlive) {
  use_once();
  use_once();
  EXPECT_EQ(requests()[0].connection, requests()[1].connection);
}

TEST_F(WebhookCallTest, ARedirectIsNotFollowed) {
  reply_in_turn({status(302, "", "Location: /elsewhere\r\n")});
  message("x");
  EXPECT_EQ(result().answer.status, 302);
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(WebhookCallTest, AReusedConnectionThatHadClosedIsTriedOnceMoreOnAFreshOne) {
  for (const Reply& broken : {fin(), reset()}) {
    reply_in_turn({status(204), broken, status(201)});
    backend->requests.clear();
    use_once();
    message("second");
    const WebhookResult answered = result();
    EXPECT_EQ(answered.answer.status, 201);
    ASSERT_EQ(requests().size(), 3U);
    EXPECT_EQ(requests()[0].connection, requests()[1].connection);
    EXPECT_NE(requests()[1].connection, requests()[2].connection);
    EXPECT_EQ(requests()[1].header("ce-id"), requests()[2].header("ce-id"));
    EXPECT_EQ(requests()[1].header("ce-time"), requests()[2].header("ce-time"));
  }
}

TEST_F(WebhookCallTest, AndNoMoreThanOnce) {
  reply_in_turn({status(204), fin()});
  use_once();
  message("second");
  const WebhookResult broken = result();
  EXPECT_EQ(broken.outcome, Outcome::kBroken);
  EXPECT_TRUE(broken.may_have_arrived) << "the fresh connection may have carried it";
  EXPECT_EQ(requests().size(), 3U);
}

TEST_F(WebhookCallTest, AReusedConnectionThatBreaksInTheAnswerIsNotTriedAgain) {
  reply_in_turn({status(204), fin("HTTP/1.1 200 OK\r\nContent-Le")});
  use_once();
  message("second");
  EXPECT_EQ(result().outcome, Outcome::kBroken);
  EXPECT_EQ(requests().size(), 2U);
}

TEST_F(WebhookCallTest, AFreshConnectionThatBreaksIsNotTriedAgain) {
  reply_in_turn({reset()});
  message("x");
  EXPECT_EQ(result().outcome, Outcome::kBroken);
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(WebhookCallTest, ABackendThatIsAwayIsUnreachableAndKnowsOfNothing) {
  side();
  backend->stop_listening();
  run_for(20);
  message("x");
  const WebhookResult unreachable = result();
  EXPECT_EQ(unreachable.outcome, Outcome::kUnreachable);
  EXPECT_FALSE(unreachable.may_have_arrived);
}

TEST_F(WebhookCallTest, GarbageIsABrokenAnswer) {
  for (const char* garbage :
       {"SSH-2.0-x\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"}) {
    reply_in_turn({{Reply::Kind::kBytes, garbage}});
    message("x");
    EXPECT_EQ(result().outcome, Outcome::kBroken) << garbage;
  }
}

TEST_F(WebhookCallTest, AnAnswerThatIsTooLargeLosesItsBody) {
  config.backends[0].answer_size = 10;
  reply_in_turn({status(200, "0123456789"), status(200, "0123456789a")});
  message("x");
  EXPECT_FALSE(result().answer.is_body_lost);
  message("x");
  const WebhookResult large = result();
  EXPECT_EQ(large.outcome, Outcome::kAnswered);
  EXPECT_TRUE(large.answer.is_body_lost);
}

TEST_F(WebhookCallTest, ARefusalOfConnectStaysOneThoughItsBodyIsCut) {
  reply_in_turn({fin("HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nhalf")});
  connect();
  const WebhookResult refused = result();
  EXPECT_EQ(refused.outcome, Outcome::kAnswered);
  EXPECT_EQ(refused.answer.status, 403);
  EXPECT_TRUE(refused.answer.is_body_lost);
}

TEST_F(WebhookCallTest, AnAcceptingConnectThatIsCutIsBroken) {
  reply_in_turn({fin("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")});
  connect();
  EXPECT_EQ(result().outcome, Outcome::kBroken);
}

// ---------------------------------------------------------------------------------------------
// Time.

TEST_F(WebhookCallTest, ABackendThatHangsTimesOut) {
  message_route().timeout = conf::Duration{150};
  reply_in_turn({hang()});
  const uint64_t began_ms = now_ms();
  message("x");
  const WebhookResult late = result();
  EXPECT_EQ(late.outcome, Outcome::kTimedOut);
  EXPECT_TRUE(late.may_have_arrived);
  EXPECT_GE(now_ms() - began_ms, 140U);
}

TEST_F(WebhookCallTest, TheTimeoutRunsUntilTheAnswersLastByte) {
  message_route().timeout = conf::Duration{100};
  reply_in_turn({{Reply::Kind::kBytes, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"}});
  message("x");
  EXPECT_EQ(result().outcome, Outcome::kTimedOut);
}

TEST_F(WebhookCallTest, WaitingForAConnectionCountsAndLeavesTheBackendUnaware) {
  config.backends[0].max_connections = 1;
  message_route().timeout = conf::Duration{150};
  reply_in_turn({hang()});
  connect();
  ASSERT_TRUE(until([&] { return requests().size() == 1; }));
  message("second");
  const WebhookResult late = result();
  EXPECT_EQ(late.outcome, Outcome::kTimedOut);
  EXPECT_FALSE(late.may_have_arrived);
  EXPECT_EQ(requests().size(), 1U);
}

// ---------------------------------------------------------------------------------------------
// A route's retries.

TEST_F(WebhookCallTest, ListedStatusesAreTriedAgainWithTheSameEvent) {
  message_route().retry = {2, {503, 429}, false, false};
  reply_in_turn({status(503), status(429), status(200, "third")});
  message("x");
  EXPECT_EQ(result().answer.body, "third");
  ASSERT_EQ(requests().size(), 3U);
  EXPECT_EQ(requests()[0].header("ce-id"), requests()[2].header("ce-id"));
  EXPECT_EQ(requests()[0].header("ce-time"), requests()[2].header("ce-time"));
  EXPECT_NE(requests()[0].header("traceparent"), requests()[2].header("traceparent"));
  EXPECT_EQ(requests()[2].body, "x");
  EXPECT_EQ(side().metrics.webhook_retries.value(), 2U);
}

TEST_F(WebhookCallTest, TheLastAttemptsAnswerIsTheAnswer) {
  message_route().retry = {1, {503}, false, false};
  reply_in_turn({status(503, "one"), status(503, "two")});
  message("x");
  EXPECT_EQ(result().answer.body, "two");
  EXPECT_EQ(requests().size(), 2U);
}

TEST_F(WebhookCallTest, OtherStatusesAreNot) {
  message_route().retry = {5, {503}, false, false};
  reply_in_turn({status(500)});
  message("x");
  EXPECT_EQ(result().answer.status, 500);
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(WebhookCallTest, AnAttemptMayUseWhatIsLeftDividedByTheAttemptsLeft) {
  message_route().timeout = conf::Duration{400};
  message_route().retry = {1, {}, true, false};
  reply_in_turn({hang(), status(200, "second")});
  const uint64_t began_ms = now_ms();
  message("x");
  EXPECT_EQ(result().answer.body, "second");
  EXPECT_GE(now_ms() - began_ms, 190U);
  EXPECT_LT(now_ms() - began_ms, 380U);
}

TEST_F(WebhookCallTest, AllAttemptsTogetherStayWithinTheTimeout) {
  message_route().timeout = conf::Duration{300};
  message_route().retry = {3, {}, true, false};
  reply_in_turn({hang()});
  const uint64_t began_ms = now_ms();
  message("x");
  EXPECT_EQ(result().outcome, Outcome::kTimedOut);
  EXPECT_LT(now_ms() - began_ms, 400U);
  EXPECT_EQ(requests().size(), 4U);
}

TEST_F(WebhookCallTest, AResetIsTriedAgainOnlyWhereTheRouteSaysSo) {
  message_route().retry = {1, {}, false, true};
  reply_in_turn({reset(), status(200, "second")});
  message("x");
  EXPECT_EQ(result().answer.body, "second");
}

TEST_F(WebhookCallTest, TheExtraTryOfAReusedConnectionIsNoneOfTheRoutes) {
  message_route().retry = {1, {503}, false, false};
  reply_in_turn({status(204), fin(), status(503), status(200, "third")});
  use_once();
  message("x");
  EXPECT_EQ(result().answer.body, "third");
}

TEST_F(WebhookCallTest, ABackendThatHasReadOneAttemptMayKnowOfTheEvent) {
  message_route().retry = {1, {503}, false, false};
  backend->script = [this](const testing::WebhookRequest&) {
    backend->stop_listening();
    return fin("HTTP/1.1 503 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  };
  message("x");
  const WebhookResult gone = result();
  EXPECT_EQ(gone.outcome, Outcome::kUnreachable);
  EXPECT_TRUE(gone.may_have_arrived);
}

TEST_F(WebhookCallTest, CancelledCallsHaveNoResults) {
  reply_in_turn({hang()});
  message("x");
  message("y");
  ASSERT_TRUE(until([&] { return requests().size() == 2; }));
  side().client->cancel_all();
  run_for(50);
  EXPECT_TRUE(side().results.empty());
  EXPECT_EQ(side().metrics.webhooks_in_flight.value(), 0);
}

}  // namespace
}  // namespace sockhook::webhooks
