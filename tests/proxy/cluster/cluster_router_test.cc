// Commands find the nodes that hold their target, and every answer is true (contract 6, 8).

#include "proxy/cluster/cluster_router.h"

#include "tests/proxy/cluster/router_fixture.h"

namespace sockhook::cluster {
namespace {

using backplane::Name;
using backplane::NameKind;
using push::Close;
using push::CountGroup;
using push::Describe;
using push::Everyone;
using push::FindUser;
using push::GroupMembers;
using push::Membership;
using push::OneConnection;
using push::UserConnections;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using ClusterRouterTest = RouterTest;

// ---------------------------------------------------------------------------------------------
// One connection.

TEST_F(ClusterRouterTest, AConnectionOfThisNodeNeedsNoBackplane) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(5)}));
  EXPECT_THAT(backplane.sent, IsEmpty());
  EXPECT_EQ(local.submitted.back().ticket, ticket);
  local_answers(delivery(Delivery::kHeld));
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kHeld);
}

TEST_F(ClusterRouterTest, AConnectionOfAnotherIsAskedForThereAndNowhereElse) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(7)}));
  EXPECT_THAT(local.submitted, IsEmpty());
  ASSERT_EQ(backplane.sent.size(), 1U);
  EXPECT_EQ(last_sent().to, key(7));
  EXPECT_EQ(last_request().ticket, ticket);
  dispatched(ticket, {7});
  EXPECT_THAT(asker.outcomes, IsEmpty());
  reply(7, ticket, delivery(Delivery::kSlow));
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kSlow);
}

TEST_F(ClusterRouterTest, EveryCommandForOneConnectionGoesToItsNode) {
  const OneConnection one{id_of(9)};
  submit(Close{one, 1000, ""});
  submit(Membership{one, "g", true});
  submit(Describe{one.id});
  ASSERT_EQ(backplane.sent.size(), 3U);
  for (const auto& sent : backplane.sent) EXPECT_EQ(sent.to, key(9));
}

TEST_F(ClusterRouterTest, CommandsLeaveInTheOrderOfTheCalls) {
  std::vector<Ticket> tickets;
  for (int i = 0; i < 10; ++i) tickets.push_back(submit(text_to(OneConnection{id_of(7)})));
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    EXPECT_EQ(backplane.sent[i].ticket, tickets[i]);
  }
}

TEST_F(ClusterRouterTest, AnAnswerThatOvertakesTheWordThatItWasSentCounts) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(7)}));
  reply(7, ticket, delivery(Delivery::kDone));
  dispatched(ticket, {7});
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kDone);
  const Ticket broken = submit(text_to(OneConnection{id_of(7)}));
  reply(7, broken, delivery(Delivery::kDone));
  not_dispatched(broken, SendResult::kUnknown);
  EXPECT_EQ(asker.outcomes.at(broken).delivery, Delivery::kDone);
}

TEST_F(ClusterRouterTest, WithoutSuchANodeItIsGoneAtOnce) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(3)}));
  dispatched(ticket, {});
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kGone);
}

// Redis may have lost its data, and the node does not know it yet.
TEST_F(ClusterRouterTest, ANodeThatWasAliveAMomentAgoIsNotBelievedToBeGone) {
  const auto ask = [&] {
    const Ticket ticket = submit(text_to(OneConnection{id_of(7)}));
    dispatched(ticket, {});
    return asker.failures.contains(ticket);
  };
  EXPECT_TRUE(ask()) << "by the last heartbeat it lives";
  backplane.others_now.clear();
  router.on_heartbeat();
  EXPECT_TRUE(ask()) << "it may register again with its next one";
  EXPECT_EQ(asker.failures.rbegin()->second, RouteFailure::kUnavailable);
  runner.run_for(static_cast<int>(kHeartbeatMs + KnownNodes::kLateMs) + 50);
  EXPECT_FALSE(ask());
}

TEST_F(ClusterRouterTest, ANodeThatHasLeftOrWasReplacedIsGoneAtOnce) {
  router.on_message(key(7), encode(Farewell{}));
  const Ticket left = submit(text_to(OneConnection{id_of(7)}));
  dispatched(left, {});
  EXPECT_EQ(asker.outcomes.at(left).delivery, Delivery::kGone);
  router.on_message(key(8), encode(Hello{"gw-9"}));
  const Ticket replaced = submit(text_to(OneConnection{id_of(9)}));
  dispatched(replaced, {});
  EXPECT_EQ(asker.outcomes.at(replaced).delivery, Delivery::kGone);
}

TEST_F(ClusterRouterTest, ANodeThatCannotBeAskedIsUnavailable) {
  const Ticket deaf = submit(text_to(OneConnection{id_of(7)}));
  dispatched(deaf, {}, {7});
  EXPECT_EQ(asker.failures.at(deaf), RouteFailure::kUnavailable);
  const Ticket unsent = submit(text_to(OneConnection{id_of(7)}));
  not_dispatched(unsent, SendResult::kUnavailable);
  EXPECT_EQ(asker.failures.at(unsent), RouteFailure::kUnavailable);
}

TEST_F(ClusterRouterTest, WhatMayHaveBeenCarriedOutIsTimedOut) {
  const Ticket broken = submit(text_to(OneConnection{id_of(7)}));
  not_dispatched(broken, SendResult::kUnknown);
  EXPECT_EQ(asker.failures.at(broken), RouteFailure::kTimedOut);
  const Ticket lost = submit(text_to(OneConnection{id_of(7)}));
  dispatched(lost, {7});
  router.on_lost(lost, key(7));
  EXPECT_EQ(asker.failures.at(lost), RouteFailure::kTimedOut);
}

TEST_F(ClusterRouterTest, AFailureOfTheOtherNodeIsPassedOn) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(7)}));
  dispatched(ticket, {7});
  reply(7, ticket, RouteFailure::kOverloaded);
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kOverloaded);
}

TEST_F(ClusterRouterTest, AnAnswerOfANodeThatWasNotAskedIsNotBelieved) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(7)}));
  dispatched(ticket, {7});
  reply(9, ticket, delivery(Delivery::kDone));
  EXPECT_THAT(asker.outcomes, IsEmpty());
  reply(7, ticket, delivery(Delivery::kGone));
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kGone);
  reply(7, ticket, delivery(Delivery::kDone));
  EXPECT_EQ(asker.outcomes.size(), 1U);
}

// ---------------------------------------------------------------------------------------------
// Sends to many.

TEST_F(ClusterRouterTest, ASendToAGroupIsCarriedOutHereAndOnEachNodeWithMembers) {
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  EXPECT_EQ(last_sent().name, (Name{NameKind::kGroup, "g"}));
  EXPECT_EQ(local.submitted.size(), 1U);
  dispatched(ticket, {2, 7});
  reply(2, ticket, counts(20, 1));
  local_answers(counts(3, 1));
  EXPECT_THAT(asker.outcomes, IsEmpty()) << "one has not answered";
  reply(7, ticket, counts(100));
  const PushOutcome& outcome = asker.outcomes.at(ticket);
  EXPECT_EQ(outcome.delivered, 123U);
  EXPECT_EQ(outcome.failed, 2U);
  EXPECT_EQ(outcome.delivered_remotely, 120U);
  EXPECT_EQ(outcome.failed_remotely, 1U);
  EXPECT_THAT(outcome.unknown_nodes, IsEmpty());
}

TEST_F(ClusterRouterTest, UsersAndEverybodyAreFoundAsWell) {
  submit(text_to(UserConnections{"ann"}));
  EXPECT_EQ(last_sent().name, (Name{NameKind::kUser, "ann"}));
  submit(text_to(Everyone{"chat"}));
  EXPECT_EQ(last_sent().name, Name{});
  EXPECT_EQ(std::get<Everyone>(std::get<push::Send>(last_request().command.action).target).endpoint,
            "chat");
}

TEST_F(ClusterRouterTest, NodesThatAreDeafLostOrFailAreNamed) {
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {2, 9}, {7});
  router.on_lost(ticket, key(9));
  reply(2, ticket, RouteFailure::kOverloaded);
  local_answers(counts(1));
  EXPECT_EQ(asker.outcomes.at(ticket).delivered, 1U);
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2", "gw-7", "gw-9"));
}

TEST_F(ClusterRouterTest, ANodeThatHasGoneMeanwhileIsStillNamed) {
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {2});
  backplane.others_now.clear();
  router.on_heartbeat();
  router.on_lost(ticket, key(2));
  local_answers();
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2"));
}

TEST_F(ClusterRouterTest, ANodeThatDiesIsNotWaitedForAnyLonger) {
  const Ticket one = submit(text_to(OneConnection{id_of(7)}));
  dispatched(one, {7});
  const Ticket many = submit(text_to(GroupMembers{"g"}));
  dispatched(many, {2, 7});
  local_answers();
  reply(2, many, counts(1));
  backplane.others_now = {{key(2), "gw-2"}, {key(9), "gw-9"}};
  router.on_heartbeat();
  EXPECT_EQ(asker.failures.at(one), RouteFailure::kTimedOut) << "it may have done it before";
  EXPECT_THAT(asker.outcomes.at(many).unknown_nodes, ElementsAre("gw-7"));
}

TEST_F(ClusterRouterTest, WhileTheBackplaneIsAwayAllOthersThatAreKnownAreNamed) {
  for (const SendResult result : {SendResult::kUnavailable, SendResult::kUnknown}) {
    const Ticket ticket = submit(text_to(GroupMembers{"g"}));
    local_answers(counts(4));
    not_dispatched(ticket, result);
    EXPECT_EQ(asker.outcomes.at(ticket).delivered, 4U);
    EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2", "gw-7", "gw-9"));
  }
}

TEST_F(ClusterRouterTest, ANodeThatAnsweredBeforeTheLinkBrokeIsNotUnknown) {
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  reply(7, ticket, counts(2));
  not_dispatched(ticket, SendResult::kUnknown);
  local_answers();
  EXPECT_EQ(asker.outcomes.at(ticket).delivered, 2U);
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2", "gw-9"));
}

TEST_F(ClusterRouterTest, AfterTheBackplanesReturnNodesThatItMayHaveForgottenAreNamedForAWhile) {
  router.on_link_down();
  backplane.others_now = {{key(7), "gw-7"}};  // it came back empty, and one is registered again
  router.on_heartbeat();
  router.on_link_up();
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {7});
  reply(7, ticket, counts(1));
  local_answers();
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2", "gw-9"));
  const Ticket change = submit(Membership{UserConnections{"ann"}, "g", true});
  dispatched(change, {});
  local_answers();
  EXPECT_EQ(asker.failures.at(change), RouteFailure::kUnavailable);
  runner.run_for(static_cast<int>(KnownNodes::kDoubtMs) + 50);
  const Ticket later = submit(text_to(GroupMembers{"g"}));
  dispatched(later, {});
  local_answers();
  EXPECT_THAT(asker.outcomes.at(later).unknown_nodes, IsEmpty());
}

TEST_F(ClusterRouterTest, WhileItIsAwayAgainThoseAreNamedThatItHadForgotten) {
  router.on_link_down();
  backplane.others_now.clear();
  router.on_heartbeat();
  router.on_link_up();
  router.on_link_down();
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  not_dispatched(ticket, SendResult::kUnavailable);
  local_answers();
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2", "gw-7", "gw-9"));
}

TEST_F(ClusterRouterTest, ANodeThatJoinsIsKnownByNameAtOnce) {
  router.on_link_up();
  EXPECT_EQ(std::get<Hello>(*decode(last_sent().payload)).name, "gw-5");
  router.on_message(key(8), encode(Hello{"gw-8"}));
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {}, {8});
  local_answers();
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-8"));
}

TEST_F(ClusterRouterTest, UntilOthersHaveBeenKnownNothingIsSentToMany) {
  backplane.has_known_others = false;
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  EXPECT_THAT(backplane.sent, IsEmpty());
  EXPECT_THAT(local.submitted, IsEmpty());
  EXPECT_TRUE(wait_for_a_failure());
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kUnavailable);
}

TEST_F(ClusterRouterTest, ThisNodeIsNamedWhenItsOwnPartFails) {
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {});
  local.fail(0, RouteFailure::kOverloaded);
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-5"));
}

// ---------------------------------------------------------------------------------------------
// What only makes sense as a whole.

TEST_F(ClusterRouterTest, AChangeOfAUsersConnectionsIsDoneWhenAllHoldersSaySo) {
  const Ticket ticket = submit(Membership{UserConnections{"ann"}, "g", true});
  EXPECT_EQ(last_sent().name, (Name{NameKind::kUser, "ann"}));
  dispatched(ticket, {2});
  local_answers(counts(1));
  EXPECT_THAT(asker.outcomes, IsEmpty());
  reply(2, ticket, counts(1));
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kDone);
}

TEST_F(ClusterRouterTest, AHolderThatDoesNotAnswerMakesItFailTheWorstWay) {
  const Ticket ticket = submit(Close{UserConnections{"ann"}, 1000, ""});
  dispatched(ticket, {2, 9}, {7});
  local_answers();
  router.on_lost(ticket, key(9));
  reply(2, ticket, counts(1));
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kTimedOut) << "not the 503 of the deaf one";
}

TEST_F(ClusterRouterTest, AChangeOfManyNeedsTheBackplane) {
  const Ticket ticket = submit(Membership{UserConnections{"ann"}, "g", true});
  local_answers();
  not_dispatched(ticket, SendResult::kUnavailable);
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kUnavailable);
}

TEST_F(ClusterRouterTest, ACountAsksNoNode) {
  const Ticket ticket = submit(CountGroup{"g"});
  ASSERT_EQ(backplane.lookups.size(), 1U);
  EXPECT_EQ(backplane.lookups[0].first, (Name{NameKind::kGroup, "g"}));
  EXPECT_EQ(backplane.lookups[0].second, ticket);
  PushOutcome here;
  here.count = 3;
  local_answers(here);
  looked_up(ticket, {{key(2), 10, {}}, {key(9), 100, {}}});
  EXPECT_EQ(asker.outcomes.at(ticket).count, 113U);
  EXPECT_THAT(backplane.sent, IsEmpty());
}

TEST_F(ClusterRouterTest, AUserIsFoundOnAllNodes) {
  const Ticket ticket = submit(FindUser{"ann"});
  EXPECT_EQ(backplane.lookups[0].first, (Name{NameKind::kUser, "ann"}));
  looked_up(ticket, {{key(7), 1, {id_of(7)}}});
  PushOutcome here;
  here.connection_ids = {"here"};
  local_answers(here);
  EXPECT_THAT(asker.outcomes.at(ticket).connection_ids, ElementsAre(id_of(7).to_string(), "here"));
}

TEST_F(ClusterRouterTest, ACountWithoutTheBackplaneIsNoAnswer) {
  const Ticket ticket = submit(CountGroup{"g"});
  local_answers();
  router.on_lookup(ticket, std::nullopt);
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kUnavailable);
}

TEST_F(ClusterRouterTest, ACountThatIsLimitedToEndpointsAsksTheNodesOfTheLookup) {
  const auto scope = std::make_shared<const std::set<std::string>>(std::set<std::string>{"chat"});
  const Ticket ticket = submit(CountGroup{"g"}, scope);
  looked_up(ticket, {{key(2), 10, {}}, {key(9), 100, {}}});
  ASSERT_EQ(backplane.sent.size(), 2U);
  EXPECT_EQ(backplane.sent[0].to, key(2));
  EXPECT_EQ(*last_request().command.scope, *scope);
  dispatched(ticket, {2});
  dispatched(ticket, {});  // has gone meanwhile
  PushOutcome part;
  part.count = 4;
  reply(2, ticket, part);
  local_answers(part);
  EXPECT_EQ(asker.outcomes.at(ticket).count, 8U);
}

// ---------------------------------------------------------------------------------------------
// Limits.

TEST_F(ClusterRouterTest, NothingWaitsLongerThanFiveSeconds) {
  const Ticket one = submit(text_to(OneConnection{id_of(7)}));
  dispatched(one, {7});
  const Ticket send = submit(text_to(GroupMembers{"g"}));
  dispatched(send, {2, 7});
  local_answers(counts(1));
  reply(2, send, counts(2));
  const Ticket count = submit(CountGroup{"g"});
  const std::uint64_t began_ms = uv_hrtime() / 1'000'000;
  EXPECT_TRUE(runner.run_until(
      [&] { return asker.failures.size() == 2 && asker.outcomes.size() == 1; }, 7000));
  EXPECT_GE(uv_hrtime() / 1'000'000 - began_ms, 4900U);
  EXPECT_EQ(asker.failures.at(one), RouteFailure::kTimedOut);
  EXPECT_EQ(asker.failures.at(count), RouteFailure::kTimedOut);
  EXPECT_EQ(asker.outcomes.at(send).delivered, 3U);
  EXPECT_THAT(asker.outcomes.at(send).unknown_nodes, ElementsAre("gw-7"));
  reply(7, send, counts(9));
  EXPECT_EQ(asker.outcomes.at(send).delivered, 3U) << "a late answer is nobody's";
}

TEST_F(ClusterRouterTest, TooManyCommandsAtOnceAreRefused) {
  const auto id = id_of(7);
  for (std::size_t i = 0; i < ClusterRouter::kMaxFlows; ++i) submit(Describe{id});
  const Ticket ticket = submit(Describe{id});
  EXPECT_EQ(backplane.sent.size(), ClusterRouter::kMaxFlows);
  EXPECT_TRUE(wait_for_a_failure());
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kOverloaded);
}

TEST_F(ClusterRouterTest, WhatNobodyWaitsForIsNotAnswered) {
  router.submit({text_to(GroupMembers{"g"}), nullptr}, nullptr);
  router.submit({text_to(OneConnection{id_of(7)}), nullptr}, nullptr);
  ASSERT_EQ(backplane.sent.size(), 2U);
  EXPECT_EQ(local.submitted.size(), 1U);
  for (const auto& sent : backplane.sent) {
    EXPECT_EQ(sent.ticket, 0U);
    EXPECT_EQ(std::get<Request>(*decode(sent.payload)).ticket, 0U);
  }
  router.on_message(key(7), backplane.sent[0].payload);
  ASSERT_EQ(local.submitted.size(), 2U) << "and there it is carried out";
  EXPECT_EQ(local.submitted.back().listener, nullptr);
}

TEST_F(ClusterRouterTest, AListenerThatIsForgottenHearsNothing) {
  const Ticket ticket = submit(Describe{id_of(7)});
  backplane.has_known_others = false;
  submit(text_to(Everyone{}));
  router.forget(&asker);
  dispatched(ticket, {});
  runner.run_for(20);
  EXPECT_THAT(asker.outcomes, IsEmpty());
  EXPECT_THAT(asker.failures, IsEmpty());
}

// ---------------------------------------------------------------------------------------------
// What other nodes ask.

TEST_F(ClusterRouterTest, ARequestIsCarriedOutHereAndAnswered) {
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

TEST_F(ClusterRouterTest, AFailureHereIsAnsweredToo) {
  router.on_message(key(7), encode(Request{77, {Describe{id_of(5)}, nullptr}, {}}));
  local.fail(0, RouteFailure::kOverloaded);
  EXPECT_EQ(std::get<RouteFailure>(std::get<Reply>(*decode(last_sent().payload)).result),
            RouteFailure::kOverloaded);
}

TEST_F(ClusterRouterTest, AnAnswerThatIsTooLongIsRefused) {
  router.on_message(key(7), encode(Request{77, {push::List{}, nullptr}, {}}));
  PushOutcome long_page = page({"a"});
  long_page.connections[0].user_agent.assign(RequestServer::kMaxReplyBytes, 'x');
  local_answers(std::move(long_page));
  EXPECT_EQ(std::get<RouteFailure>(std::get<Reply>(*decode(last_sent().payload)).result),
            RouteFailure::kOverloaded);
}

TEST_F(ClusterRouterTest, ARequestOfAnotherVersionIsRefused) {
  std::string request = encode(Request{77, {CountGroup{"g"}, nullptr}, {}});
  request[0] = kVersion + 1;
  router.on_message(key(7), request);
  EXPECT_THAT(local.submitted, IsEmpty());
  const Reply answer = std::get<Reply>(*decode(last_sent().payload));
  EXPECT_EQ(answer.ticket, 77U);
  EXPECT_EQ(std::get<RouteFailure>(answer.result), RouteFailure::kUnavailable);
}

TEST_F(ClusterRouterTest, WhatCannotBeReadIsIgnored) {
  router.on_message(key(7), "");
  router.on_message(key(7), std::string(100, '\x01'));
  EXPECT_THAT(local.submitted, IsEmpty());
  EXPECT_THAT(backplane.sent, IsEmpty());
}

TEST_F(ClusterRouterTest, TooManyRequestsAtOnceAreRefused) {
  const std::string request = encode(Request{77, {CountGroup{"g"}, nullptr}, {}});
  for (std::size_t i = 0; i <= RequestServer::kMaxRequests; ++i) router.on_message(key(7), request);
  EXPECT_EQ(local.submitted.size(), RequestServer::kMaxRequests);
  EXPECT_EQ(std::get<RouteFailure>(std::get<Reply>(*decode(last_sent().payload)).result),
            RouteFailure::kOverloaded);
}

}  // namespace
}  // namespace sockhook::cluster
