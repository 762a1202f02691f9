// Listings go from node to node, and each connection that stays is listed exactly once.

#include "proxy/cluster/list_walk.h"

#include "tests/proxy/cluster/router_fixture.h"

namespace sockhook::cluster {
namespace {

using backplane::Name;
using backplane::NameKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ListWalkTest : public RouterTest {
 protected:
  static push::List limited(std::size_t limit) {
    push::List what;
    what.limit = limit;
    return what;
  }
  push::List asked() { return std::get<push::List>(last_request().command.action); }
  // The node that is asked now is `node`, and answers.
  void node_answers(std::uint8_t node, Ticket ticket, PushOutcome part) {
    EXPECT_EQ(last_sent().to, key(node));
    dispatched(ticket, {node});
    reply(node, ticket, std::move(part));
  }
};

TEST_F(ListWalkTest, NodesAreVisitedInTheOrderOfTheirKeysThisOneInItsPlace) {
  const Ticket ticket = list(limited(10));
  EXPECT_EQ(backplane.sent.size(), 1U) << "one at a time";
  node_answers(2, ticket, page({"a", "b"}));
  ASSERT_EQ(local.submitted.size(), 1U);
  EXPECT_EQ(local.last<push::List>().limit, 8U);
  local_answers(page({"c"}));
  node_answers(7, ticket, page({}));
  EXPECT_EQ(asked().limit, 7U);
  node_answers(9, ticket, page({"d"}));
  EXPECT_THAT(ids_of(asker.outcomes.at(ticket)), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(asker.outcomes.at(ticket).next_cursor, "");
}

TEST_F(ListWalkTest, ACursorGoesOnInTheNodeWhereThePageEnded) {
  const Ticket first = list(limited(2));
  node_answers(2, first, page({"a"}));
  local_answers(page({"b"}, "1.17"));
  const std::string cursor = asker.outcomes.at(first).next_cursor;
  ASSERT_NE(cursor, "");
  const Ticket second = list(limited(2), cursor);
  EXPECT_EQ(backplane.sent.size(), 1U) << "not the first node again";
  EXPECT_EQ(local.submitted.back().cursor, "1.17");
  local_answers(page({"c"}));
  node_answers(7, second, page({"d"}, "0.3"));
  const std::string next = asker.outcomes.at(second).next_cursor;
  const Ticket third = list(limited(2), next);
  EXPECT_EQ(last_sent().to, key(7));
  EXPECT_EQ(last_request().cursor, "0.3");
  node_answers(7, third, page({}));
  EXPECT_EQ(last_request().cursor, "");
}

TEST_F(ListWalkTest, AFullPageHasACursorOnlyIfOneMoreMatchesAnywhere) {
  const Ticket ticket = list(limited(1));
  node_answers(2, ticket, page({"a"}));
  EXPECT_EQ(local.last<push::List>().limit, 0U);
  local_answers(page({}));
  node_answers(7, ticket, page({}));
  node_answers(9, ticket, page({}));
  EXPECT_EQ(asker.outcomes.at(ticket).next_cursor, "");
}

TEST_F(ListWalkTest, OnlyNodesThatHaveTheNameAreVisitedAndThisOne) {
  push::List what = limited(10);
  what.user = "ann";
  what.group = "g";
  const Ticket ticket = list(what);
  ASSERT_EQ(backplane.lookups.size(), 1U);
  EXPECT_EQ(backplane.lookups[0].first, (Name{NameKind::kUser, "ann"}));
  looked_up(ticket, {{key(9), 1, {}}});
  local_answers(page({"a"}));
  node_answers(9, ticket, page({"b"}));
  EXPECT_EQ(asked().group, "g");
  EXPECT_THAT(ids_of(asker.outcomes.at(ticket)), ElementsAre("a", "b"));
}

TEST_F(ListWalkTest, ANodeThatHasJustJoinedIsVisited) {
  router.on_message(key(1), encode(Hello{"gw-1"}));
  list();
  EXPECT_EQ(last_sent().to, key(1));
}

TEST_F(ListWalkTest, ANodeThatHasGoneIsPassedOver) {
  const Ticket ticket = list(limited(10));
  dispatched(ticket, {});
  local_answers(page({"a"}));
  EXPECT_EQ(last_sent().to, key(7));
  const Ticket other = list(limited(10), ListCursor{key(3), "0.1"}.to_string());
  EXPECT_EQ(local.submitted.back().cursor, "") << "the node of the cursor is no more";
  static_cast<void>(other);
}

TEST_F(ListWalkTest, ANodeThatDiesWhileItIsAskedIsPassedOverToo) {
  list(limited(10));
  dispatched(backplane.sent.back().ticket, {2});
  backplane.others_now.erase(backplane.others_now.begin());
  router.on_heartbeat();
  EXPECT_EQ(local.submitted.size(), 1U) << "the next one is this node";
}

TEST_F(ListWalkTest, ANodeThatCannotBeAskedOrIsLostEndsIt) {
  const Ticket deaf = list();
  dispatched(deaf, {}, {2});
  EXPECT_EQ(asker.failures.at(deaf), RouteFailure::kUnavailable);
  const Ticket unsent = list();
  not_dispatched(unsent, SendResult::kUnavailable);
  EXPECT_EQ(asker.failures.at(unsent), RouteFailure::kUnavailable);
  const Ticket broken = list();
  not_dispatched(broken, SendResult::kUnknown);
  EXPECT_EQ(asker.failures.at(broken), RouteFailure::kTimedOut);
  const Ticket lost = list();
  dispatched(lost, {2});
  router.on_lost(lost, key(2));
  EXPECT_EQ(asker.failures.at(lost), RouteFailure::kTimedOut);
  const Ticket refused = list();
  dispatched(refused, {2});
  reply(2, refused, RouteFailure::kOverloaded);
  EXPECT_EQ(asker.failures.at(refused), RouteFailure::kOverloaded);
}

TEST_F(ListWalkTest, AnAnswerThatOvertakesTheWordThatItWasSentCounts) {
  const Ticket ticket = list(limited(10));
  reply(2, ticket, page({"a"}));
  EXPECT_THAT(local.submitted, IsEmpty());
  dispatched(ticket, {2});
  EXPECT_EQ(local.submitted.size(), 1U);
}

TEST_F(ListWalkTest, WithoutTheBackplaneThereIsNoListing) {
  backplane.state_now = backplane::Backplane::State::kDown;
  const Ticket ticket = list();
  EXPECT_TRUE(wait_for_a_failure());
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kUnavailable);
  backplane.state_now = backplane::Backplane::State::kUp;
  push::List members;
  members.group = "g";
  const Ticket broken = list(members);
  router.on_lookup(broken, std::nullopt);
  EXPECT_EQ(asker.failures.at(broken), RouteFailure::kUnavailable);
}

TEST_F(ListWalkTest, AMalformedCursorIsNone) {
  const std::string node = to_hex(key(2).bytes);
  for (const std::string& cursor :
       {std::string("x"), std::string("0.1"), node, node + ":", node + ".x", node.substr(1) + ".0",
        "g" + node.substr(1) + ".0", "-" + node.substr(1) + ".0"}) {
    EXPECT_FALSE(router.submit_list({}, nullptr, cursor, &asker)) << cursor;
  }
}

TEST_F(ListWalkTest, ACursorThatThisNodeHasNotGivenEndsItsPart) {
  router.on_message(key(7), encode(Request{77, {push::List{}, nullptr}, "malformed"}));
  const Reply answer = std::get<Reply>(*decode(last_sent().payload));
  EXPECT_THAT(std::get<PushOutcome>(answer.result).connections, IsEmpty());
}

TEST_F(ListWalkTest, ASilentNodeIsTimedOutAfterFiveSecondsOfItsOwn) {
  const Ticket ticket = list(limited(10));
  runner.run_for(300);
  node_answers(2, ticket, page({"a"}));
  local_answers(page({}));
  dispatched(ticket, {7});
  const std::uint64_t began_ms = uv_hrtime() / 1'000'000;
  EXPECT_TRUE(runner.run_until([&] { return !asker.failures.empty(); }, 7000));
  EXPECT_GE(uv_hrtime() / 1'000'000 - began_ms, 4900U);
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kTimedOut);
}

}  // namespace
}  // namespace sockhook::cluster
