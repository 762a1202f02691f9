// What a connection has of its token (contract 5.2, 4.3).

#include "proxy/observe/metrics.h"
#include "tests/proxy/client/session_fixture.h"

namespace sockhook::client {
namespace {

class SessionToken : public SessionTest {
 protected:
  static TokenGrant grant(std::string user = "ada", std::vector<std::string> groups = {}) {
    TokenGrant grant;
    grant.user = std::move(user);
    grant.groups = std::move(groups);
    grant.claims = std::make_shared<const std::string>(R"({"sub":"ada","n":1})");
    return grant;
  }
  static TokenGrant ending_in(int64_t ms) {
    TokenGrant ending = grant();
    ending.ends_at_ms = net::Loop::wall_ms() + ms;
    return ending;
  }
  Client& connect_with(TokenGrant token) {
    next_token = std::move(token);
    return connect();
  }
  Client& open_with(TokenGrant token, const http::Headers& effects = {}) {
    Client& client = connect_with(std::move(token));
    answer(client, 200, effects);
    client.take_head();
    return client;
  }
  std::vector<std::string> groups_of(const Client& client) {
    std::vector<std::string> groups = find(client)->describe().groups;
    std::sort(groups.begin(), groups.end());
    return groups;
  }
};

TEST_F(SessionToken, UserAndClaimsAreToldToConnect) {
  connect_with(grant());
  const routing::ConnectionFacts& facts = *webhooks().running.front().job.facts;
  EXPECT_EQ(facts.user, "ada");
  ASSERT_NE(facts.claims, nullptr);
  EXPECT_EQ(*facts.claims, R"({"sub":"ada","n":1})");
  EXPECT_EQ(facts.flat_claims, nullptr) << "that is for the lambda format";
}

TEST_F(SessionToken, ClaimsAreForgottenWhenConnectHasBeenAnswered) {
  Client& client = open_with(grant());
  EXPECT_EQ(find(client)->facts().claims, nullptr);
  EXPECT_EQ(find(client)->facts().user, "ada");
}

TEST_F(SessionToken, TheLambdaFormatKeepsThemAsTexts) {
  endpoint().format = conf::Format::kLambda;
  Client& client = connect_with(grant());
  answer(client, 200, {}, R"({"statusCode":200})");
  ASSERT_TRUE(find(client)->is_open());
  ASSERT_NE(find(client)->facts().flat_claims, nullptr);
  EXPECT_EQ(*find(client)->facts().flat_claims, (routing::FlatClaims{{"n", "1"}, {"sub", "ada"}}));
}

TEST_F(SessionToken, TheBackendsUserWins) {
  Client& client = open_with(grant(), {{"Sockhook-User", "bob"}});
  EXPECT_EQ(find(client)->describe().user, "bob");
  EXPECT_EQ(hub().users().find("ada"), nullptr);
  EXPECT_NE(hub().users().find("bob"), nullptr);
}

TEST_F(SessionToken, ItsGroupsAreJoinedBeforeTheAnswersEffects) {
  Client& client = connect_with(grant("ada", {"a", "b"}));
  EXPECT_EQ(hub().groups().find("a"), nullptr) << "$connect may still refuse";
  answer(client, 200, {{"Sockhook-Leave", "b"}, {"Sockhook-Join", "c"}});
  EXPECT_THAT(groups_of(client), ElementsAre("a", "c"));
}

TEST_F(SessionToken, GroupsWithoutAValidNameAreCounted) {
  TokenGrant token = grant("ada", {"a"});
  token.ignored_groups = 2;
  Client& client = open_with(std::move(token));
  EXPECT_THAT(groups_of(client), ElementsAre("a"));
  EXPECT_EQ(world().metrics.ignored_effects.value(), 2U);
}

TEST_F(SessionToken, WithoutAConnectRouteItIsAllThereIs) {
  endpoint().routes.connect.reset();
  Client& client = connect_with(grant("ada", {"a"}));
  EXPECT_TRUE(client.is_upgraded());
  EXPECT_EQ(find(client)->describe().user, "ada");
  EXPECT_THAT(groups_of(client), ElementsAre("a"));
}

TEST_F(SessionToken, ItsUserIsCounted) {
  limits().connections_per_user = 1;
  open_with(grant());
  Client& second = connect_with(grant());
  answer(second, 200);
  EXPECT_EQ(second.refused, 429);
  EXPECT_THAT(ends(), ElementsAre("1006 proxy")) << "its $connect was accepted";
  open_with(grant("bob"));
}

TEST_F(SessionToken, OneTooManyThatNobodyKnowsOfIsOwedNothing) {
  endpoint().routes.connect.reset();
  limits().connections_per_user = 1;
  connect_with(grant());
  EXPECT_EQ(connect_with(grant()).refused, 429);
  EXPECT_THAT(ends(), IsEmpty()) << "there was no $connect";
}

TEST_F(SessionToken, TheConnectionEndsWithIt) {
  limits().ping_interval = limits().ping_timeout = std::nullopt;
  Client& client = open_with(ending_in(150));
  EXPECT_TRUE(find(client)->is_open());
  EXPECT_TRUE(run_until([&] { return !find(client)->is_open(); }));
  EXPECT_THAT(client.frames(), ElementsAre("close 1008 token expired"));
  client.send_close(1008);
  settle();
  EXPECT_THAT(ends(), ElementsAre("1008 proxy token expired"));
}

TEST_F(SessionToken, OneThatEndsWhileConnectRunsClosesAtOnce) {
  Client& client = connect_with(ending_in(-1000));
  answer(client, 200);
  client.take_head();
  EXPECT_TRUE(run_until([&] { return !find(client)->is_open(); }));
  EXPECT_THAT(client.frames(), ElementsAre("close 1008 token expired"));
}

}  // namespace
}  // namespace sockhook::client
