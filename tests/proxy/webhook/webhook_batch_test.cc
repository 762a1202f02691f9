// Messages that travel together, over real sockets (contract 4.6).

#include "proxy/webhook/webhook_batch.h"

#include <nlohmann/json.hpp>

#include "tests/proxy/webhook/webhook_fixture.h"

namespace sockhook::webhooks {
namespace {

using nlohmann::json;

class WebhookBatchTest : public WebhookTest {
 protected:
  WebhookBatchTest() {
    message_route().batch_max = 3;
    config.backends[0].max_connections = 1;
  }

  static json events_of(const testing::WebhookRequest& request) {
    return json::parse(request.body, nullptr, false);
  }
  // What the clients said, request by request.
  std::vector<std::vector<std::string>> texts() const {
    std::vector<std::vector<std::string>> all;
    for (const auto& request : requests()) {
      auto& batch = all.emplace_back();
      for (const json& event : events_of(request)) batch.push_back(event["data"]);
    }
    return all;
  }
  // The answer that echoes each event of the batch, the last one first.
  static json echo(const testing::WebhookRequest& request) {
    json entries = json::array();
    for (const json& event : events_of(request)) {
      const json entry = {{"id", event["id"]}, {"status", 200}, {"body", event["data"]}};
      entries.insert(entries.begin(), entry);
    }
    return entries;
  }
  static Reply reply_of(const json& entries) { return status(200, entries.dump()); }
  void echo_all() {
    backend->script = [](const testing::WebhookRequest& request) {
      return reply_of(echo(request));
    };
  }

  // The first message goes alone and holds the connection; the others wait.
  void message_that_hangs() {
    backend->script = [](const testing::WebhookRequest&) { return hang(); };
    message("hangs");
    ASSERT_TRUE(until([&] { return requests().size() == 1; }));
  }
  void release_it() {
    backend->release(reply_of(echo(requests()[0])));
    EXPECT_EQ(result().answer.body, "hangs");
  }
  void results(std::size_t count) {
    ASSERT_TRUE(until([&] { return side().results.size() >= count; }));
    ASSERT_EQ(side().results.size(), count);
  }
  std::vector<std::string> bodies() {
    std::vector<std::string> all;
    for (const WebhookResult& result : side().results) all.push_back(result.answer.body);
    return all;
  }
  std::vector<Outcome> outcomes() {
    std::vector<Outcome> all;
    for (const WebhookResult& result : side().results) all.push_back(result.outcome);
    return all;
  }
  uint64_t counted(observe::WebhookResult result) {
    return side().metrics.endpoints[0]->route("$default")->results[result].value();
  }
};

TEST_F(WebhookBatchTest, AMessageThatNeedNotWaitIsABatchOfOne) {
  echo_all();
  message("hello");
  const WebhookResult answered = result();
  EXPECT_EQ(answered.outcome, Outcome::kAnswered);
  EXPECT_TRUE(answered.may_have_arrived);
  EXPECT_EQ(answered.number, 1U);
  EXPECT_EQ(answered.answer.status, 200);
  EXPECT_EQ(answered.answer.body, "hello");
  ASSERT_EQ(requests().size(), 1U);
  EXPECT_EQ(requests()[0].line, "POST /message HTTP/1.1");
  EXPECT_EQ(requests()[0].header("content-type"), "application/cloudevents-batch+json");
  EXPECT_EQ(requests()[0].header("ce-id"), "");
  const json event = events_of(requests()[0])[0];
  EXPECT_EQ(event["id"], std::string(answered.id.view()) + "-1");
  EXPECT_EQ(event["source"], "/nodes/gw-1/endpoints/chat");
  EXPECT_EQ(event["xforwardedfor"], "192.0.2.1");
  EXPECT_TRUE(event.contains("traceparent"));
}

TEST_F(WebhookBatchTest, WhatWaitsTravelsTogetherInOrder) {
  message_that_hangs();
  for (const char* text : {"a", "b", "c", "d", "e"}) message(text);
  EXPECT_EQ(side().metrics.webhooks_queued.value(), 5);
  EXPECT_EQ(side().metrics.webhooks_in_flight.value(), 1);
  echo_all();
  release_it();
  results(5);
  EXPECT_THAT(texts(),
              ElementsAre(ElementsAre("hangs"), ElementsAre("a", "b", "c"), ElementsAre("d", "e")));
  EXPECT_THAT(bodies(), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(side().metrics.endpoints[0]->route("$default")->batches.value(), 3U);
  EXPECT_EQ(counted(observe::WebhookResult::kOk), 6U);
}

TEST_F(WebhookBatchTest, AnEventLeavesForAConnectionThatIsBeingMade) {
  // Nothing lingers, but dialling takes a turn of the loop: who comes meanwhile comes along.
  echo_all();
  message("a");
  message("b");
  results(2);
  EXPECT_THAT(texts(), ElementsAre(ElementsAre("a", "b")));
}

TEST_F(WebhookBatchTest, ABodyHasALimitAndASingleEventNone) {
  message_that_hangs();
  const std::string large(WebhookBatch::kMaxBodyBytes * 2 / 5, 'x');
  const std::string huge(WebhookBatch::kMaxBodyBytes * 2, 'y');
  for (const std::string* text : {&large, &large, &large, &huge, &large}) message(*text);
  backend->script = [](const testing::WebhookRequest& request) {
    json entries = echo(request);
    for (json& entry : entries) entry.erase("body");
    return reply_of(entries);
  };
  release_it();
  results(5);
  std::vector<std::size_t> sizes;
  for (const auto& request : requests()) sizes.push_back(events_of(request).size());
  EXPECT_THAT(sizes, ElementsAre(1, 2, 1, 1, 1));
  EXPECT_LE(requests()[1].body.size(), WebhookBatch::kMaxBodyBytes);
}

TEST_F(WebhookBatchTest, AnEntryIsItsEventsOwnAnswer) {
  message_that_hangs();
  for (const char* text : {"a", "b", "c"}) message(text);
  backend->script = [](const testing::WebhookRequest& request) {
    json entries = echo(request);
    entries[2]["status"] = 429;
    entries[2]["headers"] = {{"Sockhook-State", "s"}};
    entries[1]["status"] = 503;
    return reply_of(entries);
  };
  release_it();
  results(3);
  EXPECT_THAT(outcomes(), ElementsAre(Outcome::kAnswered, Outcome::kAnswered, Outcome::kAnswered));
  EXPECT_EQ(side().results[0].answer.status, 429);
  EXPECT_EQ(*side().results[0].answer.headers.find("sockhook-state"), "s");
  EXPECT_EQ(side().results[1].answer.status, 503);
  EXPECT_EQ(side().results[2].answer.body, "c");
  EXPECT_EQ(counted(observe::WebhookResult::kOk), 2U);
  EXPECT_EQ(counted(observe::WebhookResult::kRejected), 1U);
  EXPECT_EQ(counted(observe::WebhookResult::kFailed), 1U);
}

TEST_F(WebhookBatchTest, WithoutAnEntryOnlyThatEventFails) {
  message_that_hangs();
  for (const char* text : {"a", "b", "c"}) message(text);
  backend->script = [](const testing::WebhookRequest& request) {
    json entries = echo(request);
    entries.erase(1);
    entries.push_back({{"id", "nobody"}, {"status", 200}});
    return reply_of(entries);
  };
  release_it();
  results(3);
  EXPECT_THAT(outcomes(), ElementsAre(Outcome::kAnswered, Outcome::kBroken, Outcome::kAnswered));
  EXPECT_EQ(counted(observe::WebhookResult::kMalformed), 1U);
}

TEST_F(WebhookBatchTest, AFailedRequestFailsItsEventsAndNoOthers) {
  config.backends[0].answer_size = 1000;
  const std::string too_large = "[" + std::string(1000, ' ') + "]";
  const std::vector<Reply> failures = {
      status(500), status(429),      status(204), status(200, "{}"), status(200, too_large),
      reset(),     fin("HTTP/1.1 2")};
  for (const Reply& failure : failures) {
    backend->requests.clear();
    message_that_hangs();
    for (const char* text : {"a", "b", "c", "d"}) message(text);
    backend->script = [&](const testing::WebhookRequest& request) {
      return requests().size() == 2 ? failure : reply_of(echo(request));
    };
    // A fresh connection, whose end is no reason to try again.
    backend->release(status(200, echo(requests()[0]).dump(), "Connection: close\r\n"));
    EXPECT_EQ(result().answer.body, "hangs");
    results(4);
    EXPECT_THAT(outcomes(), ElementsAre(Outcome::kBroken, Outcome::kBroken, Outcome::kBroken,
                                        Outcome::kAnswered))
        << failure.bytes;
    EXPECT_EQ(requests().size(), 3U);
    side().results.clear();
  }
  EXPECT_EQ(counted(observe::WebhookResult::kFailed), 6U) << "500 and 429";
  EXPECT_EQ(counted(observe::WebhookResult::kMalformed), 9U);
  EXPECT_EQ(counted(observe::WebhookResult::kReset), 6U);
}

TEST_F(WebhookBatchTest, WithoutAConnectionWhatWouldHaveGoneByItFails) {
  side();
  backend->stop_listening();
  run_for(20);
  for (const char* text : {"a", "b", "c", "d"}) message(text);
  results(4);
  for (const WebhookResult& failed : side().results) {
    EXPECT_EQ(failed.outcome, Outcome::kUnreachable);
    EXPECT_FALSE(failed.may_have_arrived);
  }
  EXPECT_EQ(counted(observe::WebhookResult::kUnreachable), 4U);
}

TEST_F(WebhookBatchTest, AReusedConnectionThatHadClosedIsTriedOnceMore) {
  message_that_hangs();
  for (const char* text : {"a", "b"}) message(text);
  backend->script = [&](const testing::WebhookRequest& request) {
    return requests().size() == 2 ? fin() : reply_of(echo(request));
  };
  release_it();
  results(2);
  EXPECT_THAT(texts(),
              ElementsAre(ElementsAre("hangs"), ElementsAre("a", "b"), ElementsAre("a", "b")));
  EXPECT_THAT(bodies(), ElementsAre("a", "b"));
}

TEST_F(WebhookBatchTest, ARetryIsTheSameEventsUnderTheSameId) {
  message_route().retry.attempts = 1;
  config.signing.secrets = {"whsec_a2V5"};
  message_that_hangs();
  for (const char* text : {"a", "b"}) message(text);
  backend->script = [&](const testing::WebhookRequest& request) {
    if (requests().size() > 2) return reply_of(echo(request));
    message("c");  // too late for this one
    return status(503);
  };
  release_it();
  results(3);
  EXPECT_THAT(bodies(), ::testing::UnorderedElementsAre("a", "b", "c"));
  std::vector<std::string> request_ids;
  for (const auto& request : requests()) {
    if (events_of(request)[0]["data"] == "a") request_ids.push_back(request.header("webhook-id"));
  }
  ASSERT_EQ(request_ids.size(), 2U);
  EXPECT_EQ(request_ids[0], request_ids[1]);
  EXPECT_NE(request_ids[0], requests()[0].header("webhook-id"));
  EXPECT_TRUE(request_ids[0].starts_with("batch-"));
  EXPECT_EQ(side().metrics.webhook_retries.value(), 1U);
}

TEST_F(WebhookBatchTest, AnEventWhoseTimeIsUpLeavesTheOthersAlone) {
  message_route().timeout = conf::Duration{600};
  message_that_hangs();
  message("old");
  run_for(300);
  message("young");
  backend->script = [](const testing::WebhookRequest&) { return hang(); };
  release_it();
  ASSERT_TRUE(until([&] { return requests().size() == 2; }));
  const WebhookResult old = result();
  EXPECT_EQ(old.outcome, Outcome::kTimedOut);
  EXPECT_TRUE(old.may_have_arrived);
  EXPECT_EQ(side().metrics.webhooks_in_flight.value(), 1);
  backend->release(reply_of(echo(requests()[1])));
  const WebhookResult young = result();
  EXPECT_EQ(young.outcome, Outcome::kAnswered);
  EXPECT_EQ(young.answer.body, "young");
  EXPECT_EQ(counted(observe::WebhookResult::kTimedOut), 1U);
}

TEST_F(WebhookBatchTest, WhenTheTimeOfAllIsUpTheConnectionIsGivenUp) {
  message_route().timeout = conf::Duration{200};
  message_that_hangs();
  for (const char* text : {"a", "b"}) message(text);
  results(3);
  EXPECT_THAT(outcomes(), ElementsAre(Outcome::kTimedOut, Outcome::kTimedOut, Outcome::kTimedOut));
  side().results.clear();
  echo_all();
  message("next");
  EXPECT_EQ(result().answer.body, "next");
}

TEST_F(WebhookBatchTest, ATryMayUseWhatTheYoungestHasLeft) {
  message_route().timeout = conf::Duration{600};
  message_route().retry.attempts = 1;
  message_that_hangs();
  message("a");
  backend->script = [&](const testing::WebhookRequest& request) {
    return requests().size() == 2 ? hang() : reply_of(echo(request));
  };
  release_it();
  EXPECT_EQ(result().answer.body, "a");
  ASSERT_EQ(requests().size(), 3U);
  const uint64_t tried_ms = requests()[2].at_ms - requests()[1].at_ms;
  EXPECT_GE(tried_ms, 200U);
  EXPECT_LE(tried_ms, 590U) << "not what it had in all";
}

TEST_F(WebhookBatchTest, OnlyThoseThatHaveWaitedTooLongForAConnectionFail) {
  config.backends[0].queue_timeout = conf::Duration{400};
  message_that_hangs();
  message("old");
  run_for(200);
  message("young");
  ASSERT_TRUE(until([&] { return !side().results.empty(); }));
  EXPECT_THAT(outcomes(), ElementsAre(Outcome::kQueueTimedOut));
  side().results.clear();
  echo_all();
  release_it();
  EXPECT_EQ(result().answer.body, "young");
}

TEST_F(WebhookBatchTest, RoutesDoNotMix) {
  endpoint().routes.by_key.at("shout").batch_max = 3;
  message_that_hangs();
  message("a");
  routing::WebhookJob shout = job(webhook::EventKind::kMessage);
  webhook::MessageParser parser;
  shout.payload = R"({"action": "shout"})";
  shout.route = shout.facts->endpoint->select(shout.payload, false, parser).route;
  shout.number = 1;
  side().client->start(shout);
  message("b");
  connect();
  backend->script = [](const testing::WebhookRequest& request) {
    return request.body.empty() ? status(204) : reply_of(echo(request));
  };
  release_it();
  results(4);
  std::vector<std::string> lines;
  for (const auto& request : requests()) lines.push_back(request.line);
  EXPECT_THAT(lines, ElementsAre("POST /message HTTP/1.1", "POST /message HTTP/1.1",
                                 "POST /shout HTTP/1.1", "POST /connect HTTP/1.1"));
  EXPECT_EQ(events_of(requests()[1]).size(), 2U);
}

TEST_F(WebhookBatchTest, WhatIsDroppedIsNeverHeardOfAgain) {
  message_that_hangs();
  for (const char* text : {"a", "b", "c", "d"}) message(text);
  side().client->cancel_all();
  EXPECT_EQ(side().metrics.webhooks_queued.value(), 0);
  EXPECT_EQ(side().metrics.webhooks_in_flight.value(), 0);
  run_for(50);
  EXPECT_EQ(requests().size(), 1U);
  EXPECT_THAT(side().results, IsEmpty());
  echo_all();
  message("of the new life");
  EXPECT_EQ(result().answer.body, "of the new life");
}

TEST_F(WebhookBatchTest, WithoutALeaseABatchWaitsAndGrows) {
  std::atomic<uint64_t> ok_until_ms{1};
  cluster.lease_ok_until_ms = &ok_until_ms;
  echo_all();
  message("a");
  run_for(50);
  message("b");
  run_for(50);
  EXPECT_THAT(requests(), IsEmpty());
  ok_until_ms = UINT64_MAX;
  side().client->on_lease_confirmed();
  results(2);
  EXPECT_THAT(texts(), ElementsAre(ElementsAre("a", "b")));
  side().client.reset();
}

TEST_F(WebhookBatchTest, WithoutALeaseTimeGoesOn) {
  std::atomic<uint64_t> ok_until_ms{1};
  cluster.lease_ok_until_ms = &ok_until_ms;
  message_route().timeout = conf::Duration{100};
  message("a");
  EXPECT_EQ(result().outcome, Outcome::kTimedOut);
  EXPECT_THAT(requests(), IsEmpty());
  side().client.reset();
}

}  // namespace
}  // namespace sockhook::webhooks
