// OperationReader: operations from a real server's stream, carried out by a ManagementApi whose
// router the test answers for.

#include "proxy/management/operation_reader.h"

#include <gmock/gmock.h>

#include "protocol/websocket/frame_encoder.h"
#include "tests/proxy/management/api_fixture.h"
#include "tests/support/loop_runner.h"
#include "tests/support/redis_process.h"

namespace sockhook::management {
namespace {

using observe::OperationResult;
using push::Delivery;
using push::PushOutcome;
using push::RouteFailure;

constexpr const char* kStream = "sockhook:{0}:operations";
constexpr const char* kOutcomes = "sockhook:{0}:outcomes:r";

conf::Config config_of(const testing::RedisProcess& server) {
  conf::Config config;
  config.backplane.redis.emplace();
  config.backplane.redis->server = {"127.0.0.1", server.port()};
  return config;
}

struct RealServer {
  testing::RedisProcess server{"redis"};
};

class OperationReaderTest : private RealServer, public ApiFixture, public OperationReaderOwner {
 protected:
  OperationReaderTest() : ApiFixture(config_of(RealServer::server)) { reader.start(); }
  ~OperationReaderTest() override {
    reader.stop();
    EXPECT_TRUE(runner.run_until([&] { return is_stopped; }, 5'000));
  }
  void on_operations_stopped() override { is_stopped = true; }

  std::string add(const std::string& op, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"XADD", kStream, "*", "op", op};
    words.insert(words.end(), more.begin(), more.end());
    return server.text(words);
  }
  std::string send(const std::string& path, const std::string& text,
                   const std::vector<std::string>& more = {}) {
    return add(R"({"method":"POST","path":")" + path + R"(","text":")" + text + "\"}", more);
  }
  bool wait_for_submitted(std::size_t count) {
    return runner.run_until([&] { return router.submitted.size() >= count; }, 5'000);
  }
  bool wait_until_empty() {
    return runner.run_until([&] { return *server.run({"XLEN", kStream}).integer() == 0; }, 5'000);
  }
  // What was sent, in the order in which it was submitted.
  std::vector<std::string> sent() const {
    std::vector<std::string> texts;
    for (const auto& each : router.submitted) {
      const auto* send = std::get_if<push::Send>(&each.command.action);
      texts.push_back(send == nullptr ? "-" : send->frame->substr(2));
    }
    return texts;
  }
  // "410 {...}" of the outcome with this number.
  std::string outcome(std::size_t index = 0) {
    const redis::Reply all = server.run({"XRANGE", kOutcomes, "-", "+"});
    const redis::Reply& fields = all.at(index).at(1);
    if (fields.array() == nullptr) return "none";
    return *fields.at(3).string() + " " + *fields.at(5).string();
  }
  std::uint64_t count(OperationResult result) { return metrics.operations[result].value(); }

  const std::string one = "/v1/connections/" + some_id(1) + "/messages";
  const std::string other = "/v1/connections/" + some_id(2) + "/messages";
  const std::vector<std::string> reply = {"reply", "r"};
  using RealServer::server;
  testing::LoopRunner runner;
  OperationReader reader{runner.loop(), config_, "node", api, metrics, this};
  bool is_stopped = false;
};

using ::testing::ElementsAre;

TEST_F(OperationReaderTest, TellsTheOutcomeThatTheManagementApiWouldTell) {
  send(one, "a", reply);
  ASSERT_TRUE(wait_for_submitted(1));
  router.answer(0, outcome_of(Delivery::kGone));
  ASSERT_TRUE(wait_until_empty());
  EXPECT_THAT(outcome(), ::testing::HasSubstr("\"status\":410,\"code\":\"gone\""));
  add(R"({"method":"DELETE","path":"/v1/users/u/connections"})", reply);
  ASSERT_TRUE(wait_for_submitted(2));
  router.answer(1, PushOutcome{});
  ASSERT_TRUE(wait_until_empty());
  EXPECT_EQ(outcome(1), "204 ");
  EXPECT_EQ(count(OperationResult::kRejected), 1U);
  EXPECT_EQ(count(OperationResult::kDone), 1U);
}

TEST_F(OperationReaderTest, AnOperationWaitsForTheOneBeforeItWithTheSameKeyOnly) {
  send(one, "a1");
  send(one, "a2");
  send(other, "b1");
  ASSERT_TRUE(wait_for_submitted(2));
  runner.run_for(100);
  EXPECT_THAT(sent(), ElementsAre("a1", "b1"));
  router.answer(0, PushOutcome{});
  ASSERT_TRUE(wait_for_submitted(3));
  EXPECT_THAT(sent(), ElementsAre("a1", "b1", "a2"));
}

TEST_F(OperationReaderTest, AKeyOfTheBackendsOwnTakesThePlaceOfThePath) {
  send(one, "a", {"key", "k"});
  send(other, "b", {"key", "k"});
  send(one, "c");
  ASSERT_TRUE(wait_for_submitted(2));
  EXPECT_THAT(sent(), ElementsAre("a", "c"));
}

TEST_F(OperationReaderTest, WhatWasNotCarriedOutIsTriedAgainBeforeWhatComesBehind) {
  send(one, "a1", reply);
  send(one, "a2");
  ASSERT_TRUE(wait_for_submitted(1));
  router.fail(0, RouteFailure::kOverloaded);
  ASSERT_TRUE(wait_for_submitted(2));
  router.fail(1, RouteFailure::kTimedOut);
  ASSERT_TRUE(wait_for_submitted(3));
  router.answer(2, PushOutcome{});
  ASSERT_TRUE(wait_for_submitted(4));
  EXPECT_THAT(sent(), ElementsAre("a1", "a1", "a1", "a2"));
  router.answer(3, PushOutcome{});
  ASSERT_TRUE(wait_until_empty());
  EXPECT_EQ(outcome(), "200 {}");
  EXPECT_EQ(outcome(1), "none");
  EXPECT_EQ(count(OperationResult::kRetried), 2U);
}

TEST_F(OperationReaderTest, ASendToManyIsNotHeldUpByANodeThatDoesNotAnswer) {
  for (const char* text : {"1", "2", "3"}) send("/v1/groups/g/messages", text);
  ASSERT_TRUE(wait_for_submitted(3));
  EXPECT_THAT(sent(), ElementsAre("1", "2", "3"));
  for (std::size_t i = 0; i < 3; ++i) router.answer(i, PushOutcome{});
  EXPECT_TRUE(wait_until_empty());
}

TEST_F(OperationReaderTest, MembershipsAndSendsOfAGroupKeepTheirOrder) {
  add(R"({"method":"PUT","path":"/v1/groups/g/connections/)" + some_id() + "\"}");
  send("/v1/groups/g/messages", "x");
  ASSERT_TRUE(wait_for_submitted(1));
  runner.run_for(100);
  EXPECT_THAT(sent(), ElementsAre("-"));
  router.answer(0, PushOutcome{});
  ASSERT_TRUE(wait_for_submitted(2));
}

TEST_F(OperationReaderTest, AnEntryThatCannotBeReadIsAnsweredAndRemoved) {
  server.run({"XADD", kStream, "*", "other", "x", "reply", "r"});
  add("{broken", reply);
  add("{}", {"reply", "a b"});
  add(std::string(2 * config_.listen.management.body_size + 1, 'x'), reply);
  send(one, "fine");
  ASSERT_TRUE(wait_for_submitted(1));
  router.answer(0, PushOutcome{});
  ASSERT_TRUE(wait_until_empty());
  EXPECT_THAT(outcome(0), ::testing::StartsWith("400 "));
  EXPECT_THAT(outcome(1), ::testing::StartsWith("400 "));
  EXPECT_THAT(outcome(2), ::testing::StartsWith("413 "));
  EXPECT_EQ(outcome(3), "none");
  EXPECT_EQ(count(OperationResult::kMalformed), 4U);
}

TEST_F(OperationReaderTest, AnIdempotencyKeySendsOnce) {
  for (int i = 0; i < 2; ++i) {
    add(R"({"method":"POST","path":")" + one + R"(","text":"a","idempotencyKey":"k"})", reply);
  }
  ASSERT_TRUE(wait_for_submitted(1));
  router.answer(0, PushOutcome{});
  ASSERT_TRUE(wait_until_empty());
  EXPECT_EQ(router.submitted.size(), 1U);
  EXPECT_EQ(outcome(0), "200 {}");
  EXPECT_EQ(outcome(1), "200 {}");
}

TEST_F(OperationReaderTest, ALongAnswerIsNoOutcome) {
  add(R"({"method":"GET","path":"/v1/users/u"})", reply);
  ASSERT_TRUE(wait_for_submitted(1));
  PushOutcome outcome_of_many;
  outcome_of_many.connection_ids.assign(OperationReader::kMaxBodyBytes / 30, some_id());
  router.answer(0, outcome_of_many);
  ASSERT_TRUE(wait_until_empty());
  EXPECT_THAT(outcome(), ::testing::StartsWith("413 "));
}

TEST_F(OperationReaderTest, OneThatRetiresFinishesWhatIsUnderWayAndLeavesTheRest) {
  send(one, "a1");
  send(one, "a2");
  send(other, "b1");
  ASSERT_TRUE(wait_for_submitted(2));
  reader.retire();
  runner.run_for(50);
  EXPECT_TRUE(reader.stream().is_reader());
  router.answer(0, PushOutcome{});
  router.fail(1, RouteFailure::kOverloaded);
  EXPECT_TRUE(runner.run_until([&] { return !reader.stream().is_reader(); }));
  EXPECT_EQ(*server.run({"XLEN", kStream}).integer(), 2);
  EXPECT_EQ(router.submitted.size(), 2U);
}

TEST_F(OperationReaderTest, OneThatLosesTheStreamDropsWhatItHasNotStarted) {
  send(one, "a1");
  send(one, "a2");
  ASSERT_TRUE(wait_for_submitted(1));
  server.run({"SET", std::string(kStream) + ":lock", "other", "PX", "2000"});
  EXPECT_TRUE(runner.run_until([&] { return !reader.stream().is_reader(); }, 5'000));
  router.answer(0, PushOutcome{});
  runner.run_for(100);
  EXPECT_EQ(router.submitted.size(), 1U);
  // What was carried out is not done again.
  EXPECT_EQ(*server.run({"XLEN", kStream}).integer(), 1);
}

}  // namespace
}  // namespace sockhook::management
