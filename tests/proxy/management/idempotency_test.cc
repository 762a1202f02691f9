// Idempotency keys through the API: one send, one outcome, whoever repeats it.

#include "proxy/management/idempotency.h"

#include "tests/proxy/management/api_fixture.h"

namespace sockhook::management {
namespace {

using push::Delivery;
using push::PushOutcome;
using push::RouteFailure;

const http::Headers kKey = {{"Idempotency-Key", "key-1"}};

class IdempotencyTest : public ApiFixture {
 protected:
  const std::string path = "/v1/connections/" + some_id() + "/messages";
};

TEST_F(IdempotencyTest, ARepeatGetsTheAnswerAndSendsNothing) {
  const Answer first = call("POST", path, "once", kKey);
  const auto again = ask("POST", path, "once", kKey);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status, first.status);
  EXPECT_EQ(again->body, first.body);
  EXPECT_EQ(router.submitted.size(), 1U);
}

TEST_F(IdempotencyTest, RememberedAre200202410And413) {
  int number = 0;
  for (const Delivery delivery :
       {Delivery::kDone, Delivery::kHeld, Delivery::kGone, Delivery::kTooLarge}) {
    const http::Headers key = {{"Idempotency-Key", "k" + std::to_string(++number)}};
    const Answer first = call("POST", path, outcome_of(delivery), "x", key);
    const auto again = ask("POST", path, "x", key);
    ASSERT_TRUE(again) << first.status;
    EXPECT_EQ(again->status, first.status);
    EXPECT_EQ(again->body, first.body);
    EXPECT_EQ(again->content_type, first.content_type);
  }
}

TEST_F(IdempotencyTest, NotRememberedAre429403503And504) {
  int number = 0;
  for (const Delivery delivery : {Delivery::kSlow, Delivery::kForbidden}) {
    const http::Headers key = {{"Idempotency-Key", "k" + std::to_string(++number)}};
    call("POST", path, outcome_of(delivery), "x", key);
    EXPECT_EQ(call("POST", path, "x", key).status, 200);
  }
  for (const RouteFailure failure :
       {RouteFailure::kOverloaded, RouteFailure::kUnavailable, RouteFailure::kTimedOut}) {
    const http::Headers key = {{"Idempotency-Key", "k" + std::to_string(++number)}};
    ask("POST", path, "x", key);
    router.fail(router.submitted.size() - 1, failure);
    EXPECT_EQ(call("POST", path, "x", key).status, 200);
  }
}

TEST_F(IdempotencyTest, AFanOutWithUnknownNodesIsNotRemembered) {
  PushOutcome outcome;
  outcome.unknown_nodes = {"gw-2"};
  call("POST", "/v1/groups/g/messages", outcome, "x", kKey);
  EXPECT_FALSE(ask("POST", "/v1/groups/g/messages", "x", kKey)) << "it runs again";
  router.answer(1, PushOutcome{});
  EXPECT_TRUE(ask("POST", "/v1/groups/g/messages", "x", kKey));
}

TEST_F(IdempotencyTest, AnotherPathOrBodyIs422) {
  call("POST", path, "once", kKey);
  for (const auto& [target, body] : std::initializer_list<std::pair<std::string, std::string>>{
           {path, "other"},
           {"/v1/connections/" + some_id(2) + "/messages", "once"},
           {"/v1/groups/g/messages", "once"}}) {
    const auto answer = ask("POST", target, body, kKey);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 422);
    EXPECT_EQ(code_of(*answer), "idempotency_key_reused");
  }
  EXPECT_EQ(router.submitted.size(), 1U);
}

TEST_F(IdempotencyTest, ARepeatWhileTheFirstRunsWaitsForIt) {
  EXPECT_FALSE(ask("POST", path, "x", kKey));
  const CallId first = last_call;
  EXPECT_FALSE(ask("POST", path, "x", kKey));
  const CallId second = last_call;
  EXPECT_EQ(router.submitted.size(), 1U);
  router.answer(0, outcome_of(Delivery::kHeld));
  EXPECT_EQ(answers.at(first).status, 202);
  EXPECT_EQ(answers.at(second).status, 202);
}

TEST_F(IdempotencyTest, WhenTheFirstFailsTheNextOneRuns) {
  ask("POST", path, "x", kKey);
  ask("POST", path, "x", kKey);
  const CallId second = last_call;
  router.fail(0, RouteFailure::kOverloaded);
  ASSERT_EQ(router.submitted.size(), 2U);
  router.answer(1, PushOutcome{});
  EXPECT_EQ(answers.at(second).status, 200);
}

TEST_F(IdempotencyTest, ItIsSettledAlsoWhenTheFirstCallerHasGone) {
  ask("POST", path, "x", kKey);
  api.forget(last_call);
  router.answer(0, PushOutcome{});
  EXPECT_EQ(ask("POST", path, "x", kKey)->status, 200);
  EXPECT_EQ(router.submitted.size(), 1U);
}

TEST_F(IdempotencyTest, AfterTwoMinutesTheKeyIsFreeAgain) {
  call("POST", path, "x", kKey);
  now_ms = 120'000;
  EXPECT_EQ(call("POST", path, "other", kKey).status, 200);
  EXPECT_EQ(router.submitted.size(), 2U);
}

TEST_F(IdempotencyTest, MistakesOfTheCallDoNotUseTheKeyUp) {
  EXPECT_EQ(ask("POST", path, "\xff", kKey)->status, 400);
  EXPECT_EQ(call("POST", path, "fine", kKey).status, 200);
}

TEST_F(IdempotencyTest, GoneAndOversizedUseTheKeyUpWithoutAnyCommand) {
  const std::string dead = "/v1/connections/" + std::string(30, 'A') + "/messages";
  EXPECT_EQ(ask("POST", dead, "x", kKey)->status, 410);
  EXPECT_EQ(ask("POST", dead, "x", kKey)->status, 410);
  EXPECT_EQ(ask("POST", dead, "y", kKey)->status, 422);
  const http::Headers other = {{"Idempotency-Key", "key-2"}};
  EXPECT_EQ(ask("POST", path, {}, other, true)->status, 413);
  EXPECT_EQ(ask("POST", path, {}, other, true)->status, 413);
  EXPECT_EQ(ask("POST", path, "small", other)->status, 422);
  EXPECT_TRUE(router.submitted.empty());
}

TEST_F(IdempotencyTest, KeysAreOneTo255VisibleAsciiCharactersAndStandOnce) {
  EXPECT_EQ(call("POST", path, "x", {{"Idempotency-Key", std::string(255, '~')}}).status, 200);
  for (const std::string& key : {std::string(256, 'k'), std::string(), std::string("a b"),
                                 std::string("\xc3\xbc"), std::string("a\tb")}) {
    EXPECT_EQ(ask("POST", path, "x", {{"Idempotency-Key", key}})->status, 400) << key;
  }
  EXPECT_EQ(ask("POST", path, "x", {{"Idempotency-Key", "a"}, {"Idempotency-Key", "b"}})->status,
            400);
}

TEST_F(IdempotencyTest, KeysMatterOnSendsOnly) {
  call("PUT", "/v1/groups/g/connections/" + some_id(), {}, kKey);
  call("PUT", "/v1/groups/h/connections/" + some_id(), {}, kKey);
  call("POST", "/@connections/" + some_id(), "x", kKey);
  call("POST", "/@connections/" + some_id(), "y", kKey);
  EXPECT_EQ(router.submitted.size(), 4U);
}

TEST(ClaimTest, TokensOfDifferentEndpointsHaveKeysOfTheirOwn) {
  const auto scope = [](std::set<std::string> names) {
    return std::make_shared<const std::set<std::string>>(std::move(names));
  };
  const CallRequest request;
  const auto claim = claim_of("k", scope({"a"}), "/x", request);
  EXPECT_EQ(claim.key, claim_of("k", scope({"a"}), "/x", request).key);
  EXPECT_NE(claim.key, claim_of("k", scope({"b"}), "/x", request).key);
  EXPECT_NE(claim.key, claim_of("k", nullptr, "/x", request).key);
}

TEST(ClaimTest, PartsDoNotRunIntoEachOther) {
  CallRequest a;
  a.payload = "bc";
  CallRequest b;
  b.payload = "c";
  EXPECT_NE(claim_of("k", nullptr, "/a", a).fingerprint,
            claim_of("k", nullptr, "/ab", b).fingerprint);
  CallRequest binary = a;
  binary.payload_kind = PayloadKind::kBinary;
  EXPECT_NE(claim_of("k", nullptr, "/a", a).fingerprint,
            claim_of("k", nullptr, "/a", binary).fingerprint);
}

}  // namespace
}  // namespace sockhook::management
