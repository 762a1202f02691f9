// A command for one connection goes to the node that holds it, and its answer is true (contract 6).

#include "proxy/cluster/cluster_router.h"
#include "tests/proxy/cluster/router_fixture.h"

namespace sockhook::cluster {
namespace {

using push::Close;
using push::Describe;
using push::Membership;
using push::OneConnection;
using ::testing::IsEmpty;

using RouterConnections = RouterTest;

TEST_F(RouterConnections, AConnectionOfThisNodeNeedsNoBackplane) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(5)}));
  EXPECT_THAT(backplane.sent, IsEmpty());
  EXPECT_EQ(local.submitted.back().ticket, ticket);
  local_answers(delivery(Delivery::kHeld));
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kHeld);
}

TEST_F(RouterConnections, AConnectionOfAnotherIsAskedForThereAndNowhereElse) {
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

TEST_F(RouterConnections, EveryCommandForOneConnectionGoesToItsNode) {
  const OneConnection one{id_of(9)};
  submit(Close{one, 1000, ""});
  submit(Membership{one, "g", true});
  submit(Describe{one.id});
  ASSERT_EQ(backplane.sent.size(), 3U);
  for (const auto& sent : backplane.sent) EXPECT_EQ(sent.to, key(9));
}

TEST_F(RouterConnections, CommandsLeaveInTheOrderOfTheCalls) {
  std::vector<Ticket> tickets;
  for (int i = 0; i < 10; ++i) tickets.push_back(submit(text_to(OneConnection{id_of(7)})));
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    EXPECT_EQ(backplane.sent[i].ticket, tickets[i]);
  }
}

TEST_F(RouterConnections, AnAnswerThatOvertakesTheWordThatItWasSentCounts) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(7)}));
  reply(7, ticket, delivery(Delivery::kDone));
  dispatched(ticket, {7});
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kDone);
  const Ticket broken = submit(text_to(OneConnection{id_of(7)}));
  reply(7, broken, delivery(Delivery::kDone));
  not_dispatched(broken, SendResult::kUnknown);
  EXPECT_EQ(asker.outcomes.at(broken).delivery, Delivery::kDone);
}

TEST_F(RouterConnections, WithoutSuchANodeItIsGoneAtOnce) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(3)}));
  dispatched(ticket, {});
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kGone);
}

// Redis may have lost its data, and the node does not know it yet.
TEST_F(RouterConnections, ANodeThatWasAliveAMomentAgoIsNotBelievedToBeGone) {
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

TEST_F(RouterConnections, ANodeThatHasLeftOrWasReplacedIsGoneAtOnce) {
  router.on_message(key(7), encode(Farewell{}));
  const Ticket left = submit(text_to(OneConnection{id_of(7)}));
  dispatched(left, {});
  EXPECT_EQ(asker.outcomes.at(left).delivery, Delivery::kGone);
  router.on_message(key(8), encode(Hello{"gw-9"}));
  const Ticket replaced = submit(text_to(OneConnection{id_of(9)}));
  dispatched(replaced, {});
  EXPECT_EQ(asker.outcomes.at(replaced).delivery, Delivery::kGone);
}

TEST_F(RouterConnections, ANodeThatCannotBeAskedIsUnavailable) {
  const Ticket deaf = submit(text_to(OneConnection{id_of(7)}));
  dispatched(deaf, {}, {7});
  EXPECT_EQ(asker.failures.at(deaf), RouteFailure::kUnavailable);
  const Ticket unsent = submit(text_to(OneConnection{id_of(7)}));
  not_dispatched(unsent, SendResult::kUnavailable);
  EXPECT_EQ(asker.failures.at(unsent), RouteFailure::kUnavailable);
}

TEST_F(RouterConnections, WhatMayHaveBeenCarriedOutIsTimedOut) {
  const Ticket broken = submit(text_to(OneConnection{id_of(7)}));
  not_dispatched(broken, SendResult::kUnknown);
  EXPECT_EQ(asker.failures.at(broken), RouteFailure::kTimedOut);
  const Ticket lost = submit(text_to(OneConnection{id_of(7)}));
  dispatched(lost, {7});
  router.on_lost(lost, key(7));
  EXPECT_EQ(asker.failures.at(lost), RouteFailure::kTimedOut);
}

TEST_F(RouterConnections, AFailureOfTheOtherNodeIsPassedOn) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(7)}));
  dispatched(ticket, {7});
  reply(7, ticket, RouteFailure::kOverloaded);
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kOverloaded);
}

TEST_F(RouterConnections, AnAnswerOfANodeThatWasNotAskedIsNotBelieved) {
  const Ticket ticket = submit(text_to(OneConnection{id_of(7)}));
  dispatched(ticket, {7});
  reply(9, ticket, delivery(Delivery::kDone));
  EXPECT_THAT(asker.outcomes, IsEmpty());
  reply(7, ticket, delivery(Delivery::kGone));
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kGone);
  reply(7, ticket, delivery(Delivery::kDone));
  EXPECT_EQ(asker.outcomes.size(), 1U);
}

}  // namespace
}  // namespace sockhook::cluster
