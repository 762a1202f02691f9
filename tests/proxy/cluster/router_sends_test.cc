// A send to a group, a user or everybody reaches each node once, and names whom it may have missed
// (contract 6, 8).

#include "proxy/cluster/cluster_router.h"
#include "tests/proxy/cluster/router_fixture.h"

namespace sockhook::cluster {
namespace {

using backplane::Name;
using backplane::NameKind;
using push::Everyone;
using push::GroupMembers;
using push::Membership;
using push::OneConnection;
using push::UserConnections;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using RouterSends = RouterTest;

TEST_F(RouterSends, ASendToAGroupIsCarriedOutHereAndOnEachNodeWithMembers) {
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

TEST_F(RouterSends, UsersAndEverybodyAreFoundAsWell) {
  submit(text_to(UserConnections{"ann"}));
  EXPECT_EQ(last_sent().name, (Name{NameKind::kUser, "ann"}));
  submit(text_to(Everyone{"chat"}));
  EXPECT_EQ(last_sent().name, Name{});
  EXPECT_EQ(std::get<Everyone>(std::get<push::Send>(last_request().command.action).target).endpoint,
            "chat");
}

TEST_F(RouterSends, NodesThatAreDeafLostOrFailAreNamed) {
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {2, 9}, {7});
  router.on_lost(ticket, key(9));
  reply(2, ticket, RouteFailure::kOverloaded);
  local_answers(counts(1));
  EXPECT_EQ(asker.outcomes.at(ticket).delivered, 1U);
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2", "gw-7", "gw-9"));
}

TEST_F(RouterSends, ANodeThatHasGoneMeanwhileIsStillNamed) {
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {2});
  backplane.others_now.clear();
  router.on_heartbeat();
  router.on_lost(ticket, key(2));
  local_answers();
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2"));
}

TEST_F(RouterSends, ANodeThatDiesIsNotWaitedForAnyLonger) {
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

TEST_F(RouterSends, WhileTheBackplaneIsAwayAllOthersThatAreKnownAreNamed) {
  for (const SendResult result : {SendResult::kUnavailable, SendResult::kUnknown}) {
    const Ticket ticket = submit(text_to(GroupMembers{"g"}));
    local_answers(counts(4));
    not_dispatched(ticket, result);
    EXPECT_EQ(asker.outcomes.at(ticket).delivered, 4U);
    EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2", "gw-7", "gw-9"));
  }
}

TEST_F(RouterSends, ANodeThatAnsweredBeforeTheLinkBrokeIsNotUnknown) {
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  reply(7, ticket, counts(2));
  not_dispatched(ticket, SendResult::kUnknown);
  local_answers();
  EXPECT_EQ(asker.outcomes.at(ticket).delivered, 2U);
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2", "gw-9"));
}

TEST_F(RouterSends, AfterTheBackplanesReturnNodesThatItMayHaveForgottenAreNamedForAWhile) {
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

// Redis is there, but empty: one has registered again, nobody is found.
TEST_F(RouterSends, AfterALossOfDataThoseThatMayNotHaveToldTheirGroupsAgainAreNamed) {
  router.on_data_lost();
  backplane.others_now = {{key(7), "gw-7"}};
  router.on_heartbeat();
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {7});
  reply(7, ticket, counts(1));
  local_answers();
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-2", "gw-9"));
}

TEST_F(RouterSends, WhileItIsAwayAgainThoseAreNamedThatItHadForgotten) {
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

TEST_F(RouterSends, ANodeThatJoinsIsKnownByNameAtOnce) {
  router.on_link_up();
  EXPECT_EQ(std::get<Hello>(*decode(last_sent().payload)).name, "gw-5");
  router.on_message(key(8), encode(Hello{"gw-8"}));
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {}, {8});
  local_answers();
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-8"));
}

TEST_F(RouterSends, UntilOthersHaveBeenKnownNothingIsSentToMany) {
  backplane.has_known_others = false;
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  EXPECT_THAT(backplane.sent, IsEmpty());
  EXPECT_THAT(local.submitted, IsEmpty());
  EXPECT_TRUE(wait_for_a_failure());
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kUnavailable);
}

TEST_F(RouterSends, ThisNodeIsNamedWhenItsOwnPartFails) {
  const Ticket ticket = submit(text_to(GroupMembers{"g"}));
  dispatched(ticket, {});
  local.fail(0, RouteFailure::kOverloaded);
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-5"));
}

}  // namespace
}  // namespace sockhook::cluster
