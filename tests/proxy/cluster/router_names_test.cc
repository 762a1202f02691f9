// What is asked about groups and users, and changed in them, over all nodes (contract 6, 7).

#include "proxy/cluster/cluster_router.h"
#include "tests/proxy/cluster/router_fixture.h"

namespace sockhook::cluster {
namespace {

using backplane::Name;
using backplane::NameKind;
using push::Close;
using push::CountGroup;
using push::FindUser;
using push::Membership;
using push::UserConnections;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using RouterNames = RouterTest;

TEST_F(RouterNames, AChangeOfAUsersConnectionsIsDoneWhenAllHoldersSaySo) {
  const Ticket ticket = submit(Membership{UserConnections{"ann"}, "g", true});
  EXPECT_EQ(last_sent().name, (Name{NameKind::kUser, "ann"}));
  dispatched(ticket, {2});
  local_answers(counts(1));
  EXPECT_THAT(asker.outcomes, IsEmpty());
  reply(2, ticket, counts(1));
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kDone);
}

TEST_F(RouterNames, AHolderThatDoesNotAnswerMakesItFailTheWorstWay) {
  const Ticket ticket = submit(Close{UserConnections{"ann"}, 1000, ""});
  dispatched(ticket, {2, 9}, {7});
  local_answers();
  router.on_lost(ticket, key(9));
  reply(2, ticket, counts(1));
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kTimedOut) << "not the 503 of the deaf one";
}

TEST_F(RouterNames, AChangeOfManyNeedsTheBackplane) {
  const Ticket ticket = submit(Membership{UserConnections{"ann"}, "g", true});
  local_answers();
  not_dispatched(ticket, SendResult::kUnavailable);
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kUnavailable);
}

TEST_F(RouterNames, ACountAsksNoNode) {
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

TEST_F(RouterNames, AUserIsFoundOnAllNodes) {
  const Ticket ticket = submit(FindUser{"ann"});
  EXPECT_EQ(backplane.lookups[0].first, (Name{NameKind::kUser, "ann"}));
  looked_up(ticket, {{key(7), 1, {id_of(7)}}});
  PushOutcome here;
  here.connection_ids = {"here"};
  local_answers(here);
  EXPECT_THAT(asker.outcomes.at(ticket).connection_ids, ElementsAre(id_of(7).to_string(), "here"));
}

TEST_F(RouterNames, ACountWithoutTheBackplaneIsNoAnswer) {
  const Ticket ticket = submit(CountGroup{"g"});
  local_answers();
  router.on_lookup(ticket, std::nullopt);
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kUnavailable);
}

TEST_F(RouterNames, ACountThatIsLimitedToEndpointsAsksTheNodesOfTheLookup) {
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

}  // namespace
}  // namespace sockhook::cluster
