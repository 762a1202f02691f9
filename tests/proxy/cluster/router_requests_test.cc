// What other nodes ask of this one.

#include "proxy/cluster/cluster_router.h"
#include "tests/proxy/cluster/router_fixture.h"

namespace sockhook::cluster {
namespace {

using push::CountGroup;
using push::Describe;
using push::GroupMembers;
using ::testing::IsEmpty;

using RouterRequests = RouterTest;

TEST_F(RouterRequests, ARequestIsCarriedOutHereAndAnswered) {
  router.on_message(key(7), encode(Request{77, {text_to(GroupMembers{"g"}), nullptr}, {}}));
  ASSERT_EQ(local.submitted.size(), 1U);
  local_answers(counts(2, 1));
  ASSERT_EQ(backplane.sent.size(), 1U);
  EXPECT_EQ(last_sent().to, key(7));
  EXPECT_EQ(last_sent().ticket, 0U);
  const Reply answer = std::get<Reply>(*decode(last_sent().payload));
  EXPECT_EQ(answer.ticket, 77U);
  EXPECT_EQ(std::get<PushOutcome>(answer.result).delivered, 2U);
}

TEST_F(RouterRequests, AFailureHereIsAnsweredToo) {
  router.on_message(key(7), encode(Request{77, {Describe{id_of(5)}, nullptr}, {}}));
  local.fail(0, RouteFailure::kOverloaded);
  EXPECT_EQ(std::get<RouteFailure>(std::get<Reply>(*decode(last_sent().payload)).result),
            RouteFailure::kOverloaded);
}

TEST_F(RouterRequests, AnAnswerThatIsTooLongIsRefused) {
  router.on_message(key(7), encode(Request{77, {push::List{}, nullptr}, {}}));
  PushOutcome long_page = page({"a"});
  long_page.connections[0].user_agent.assign(RequestServer::kMaxReplyBytes, 'x');
  local_answers(std::move(long_page));
  EXPECT_EQ(std::get<RouteFailure>(std::get<Reply>(*decode(last_sent().payload)).result),
            RouteFailure::kOverloaded);
}

TEST_F(RouterRequests, ARequestOfAnotherVersionIsRefused) {
  std::string request = encode(Request{77, {CountGroup{"g"}, nullptr}, {}});
  request[0] = kVersion + 1;
  router.on_message(key(7), request);
  EXPECT_THAT(local.submitted, IsEmpty());
  const Reply answer = std::get<Reply>(*decode(last_sent().payload));
  EXPECT_EQ(answer.ticket, 77U);
  EXPECT_EQ(std::get<RouteFailure>(answer.result), RouteFailure::kUnavailable);
}

TEST_F(RouterRequests, WhatCannotBeReadIsIgnored) {
  router.on_message(key(7), "");
  router.on_message(key(7), std::string(100, '\x01'));
  EXPECT_THAT(local.submitted, IsEmpty());
  EXPECT_THAT(backplane.sent, IsEmpty());
}

TEST_F(RouterRequests, TooManyRequestsAtOnceAreRefused) {
  const std::string request = encode(Request{77, {CountGroup{"g"}, nullptr}, {}});
  for (std::size_t i = 0; i <= RequestServer::kMaxRequests; ++i) router.on_message(key(7), request);
  EXPECT_EQ(local.submitted.size(), RequestServer::kMaxRequests);
  EXPECT_EQ(std::get<RouteFailure>(std::get<Reply>(*decode(last_sent().payload)).result),
            RouteFailure::kOverloaded);
}

}  // namespace
}  // namespace sockhook::cluster
