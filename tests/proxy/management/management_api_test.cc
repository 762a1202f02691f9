// Reading, closing, listing, groups and users; paths, methods and parameters.

#include "tests/proxy/management/api_fixture.h"

namespace sockhook::management {
namespace {

using push::Delivery;
using push::PushOutcome;

class ManagementApiTest : public ApiFixture {
 protected:
  static PushOutcome described(push::ConnectionInfo info) {
    PushOutcome outcome;
    outcome.connections.push_back(std::move(info));
    return outcome;
  }
  static push::ConnectionInfo full_info() {
    push::ConnectionInfo info;
    info.id = "ID";
    info.node = "gw-1";
    info.endpoint = "chat";
    info.user = "ann";
    info.groups = {"a", "b\"c"};
    info.connected_at_ms = 1'707'487'903'123;
    info.handshake_at_ms = 1'707'487'903'000;
    info.last_active_at_ms = 1'707'487'904'000;
    info.remote_address = "203.0.113.7";
    info.user_agent = "Browser/1";
    info.subprotocol = "chat.v1";
    return info;
  }
};

TEST_F(ManagementApiTest, AConnectionIsToldInFull) {
  const Answer answer = call("GET", "/v1/connections/" + some_id(), described(full_info()));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            R"({"id":"ID","node":"gw-1","endpoint":"chat","user":"ann","groups":["a","b\"c"],)"
            R"("connectedAt":"2024-02-09T14:11:43.123Z","lastActiveAt":"2024-02-09T14:11:44.000Z",)"
            R"("remoteAddress":"203.0.113.7","userAgent":"Browser/1","subprotocol":"chat.v1"})");
}

TEST_F(ManagementApiTest, AbsentValuesAreNullAndConnectedAtIsWhileConnectRuns) {
  push::ConnectionInfo info;
  info.id = "ID";
  info.endpoint = "chat";
  const auto seen =
      nlohmann::json::parse(call("GET", "/v1/connections/" + some_id(), described(info)).body);
  for (const char* name : {"user", "connectedAt", "remoteAddress", "userAgent", "subprotocol"}) {
    EXPECT_TRUE(seen.at(name).is_null()) << name;
  }
  EXPECT_EQ(seen.at("groups"), nlohmann::json::array());
}

TEST_F(ManagementApiTest, AUserAgentThatIsNoUtf8StillMakesValidJson) {
  push::ConnectionInfo info = full_info();
  info.user_agent = "caf\xe9";
  const Answer answer = call("GET", "/v1/connections/" + some_id(), described(info));
  EXPECT_TRUE(nlohmann::json::accept(answer.body));
}

TEST_F(ManagementApiTest, WhatIsGoneIs410) {
  const std::string id = some_id();
  for (const auto& [method, path] : std::initializer_list<std::pair<const char*, std::string>>{
           {"GET", "/v1/connections/" + id},
           {"DELETE", "/v1/connections/" + id},
           {"PUT", "/v1/groups/g/connections/" + id},
           {"DELETE", "/v1/groups/g/connections/" + id}}) {
    EXPECT_EQ(code_of(call(method, path, outcome_of(Delivery::kGone))), "gone") << method << path;
  }
}

TEST_F(ManagementApiTest, DeleteClosesWithTheGivenCodeAndReason) {
  const Answer answer =
      call("DELETE", "/v1/connections/" + some_id() + "?code=4009&reason=gr%C3%BC%C3%9Fe+und%20so");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(router.last<push::Close>().code, 4009);
  EXPECT_EQ(router.last<push::Close>().reason, "grüße und so");
  call("DELETE", "/v1/users/ann/connections");
  EXPECT_EQ(router.last<push::Close>().code, 1000);
  EXPECT_EQ(router.last<push::Close>().reason, "");
}

TEST_F(ManagementApiTest, DeleteWithABadCodeOrReasonIs400) {
  const std::string path = "/v1/connections/" + some_id() + "?";
  for (const std::string query :
       {"code=999", "code=1004", "code=1005", "code=1006", "code=1015", "code=2999", "code=5000",
        "code=66536", "code=99999999999999999999", "code=-1", "code=+1000", "code=x",
        "code=", "code=1000&code=1001", "reason=%FF", "reason=%C3", "reason=%zz"}) {
    EXPECT_EQ(code_of(*ask("DELETE", path + query)), "bad_request") << query;
  }
  EXPECT_EQ(code_of(*ask("DELETE", path + "reason=" + std::string(124, 'x'))), "bad_request");
  EXPECT_TRUE(router.submitted.empty());
  for (const std::string query :
       {"code=1000", "code=1003", "code=1007", "code=1014", "code=3000", "code=4999"}) {
    EXPECT_EQ(call("DELETE", path + query).status, 204) << query;
  }
  EXPECT_EQ(call("DELETE", path + "reason=" + std::string(123, 'x')).status, 204);
}

TEST_F(ManagementApiTest, AListingPassesItsFiltersAndItsCursorOn) {
  PushOutcome outcome = described(full_info());
  outcome.next_cursor = "1.7";
  const auto page = nlohmann::json::parse(
      call("GET", "/v1/connections?endpoint=chat&user=ann&group=a%2Fb&limit=7&cursor=0.3",
           std::move(outcome))
          .body);
  const auto& list = router.last<push::List>();
  EXPECT_EQ(list.endpoint, "chat");
  EXPECT_EQ(list.user, "ann");
  EXPECT_EQ(list.group, "a/b");
  EXPECT_EQ(list.limit, 7U);
  EXPECT_EQ(router.submitted.back().cursor, "0.3");
  EXPECT_EQ(page.at("connections").size(), 1U);
  EXPECT_EQ(page.at("cursor"), "1.7");
}

TEST_F(ManagementApiTest, TheLastPageHasNoCursor) {
  EXPECT_EQ(call("GET", "/v1/connections").body, R"({"connections":[]})");
  EXPECT_EQ(router.last<push::List>().limit, 100U);
  EXPECT_EQ(call("GET", "/v1/groups/g/connections?limit=1000").body, R"({"connections":[]})");
  EXPECT_EQ(router.last<push::List>().group, "g");
}

TEST_F(ManagementApiTest, LimitsAndCursorsAreCheckedAndUnknownParametersIgnored) {
  for (const std::string limit : {"0", "-1", "x", "1001", "", "1x", "4294967297"}) {
    EXPECT_EQ(code_of(*ask("GET", "/v1/connections?limit=" + limit)), "bad_request") << limit;
  }
  EXPECT_EQ(code_of(*ask("GET", "/v1/connections?cursor=malformed")), "bad_request");
  EXPECT_EQ(code_of(*ask("GET", "/v1/connections?user=%00")), "invalid_name");
  EXPECT_EQ(call("GET", "/v1/connections?unknown=%zz&x&=").status, 200);
}

TEST_F(ManagementApiTest, MembershipOfConnectionsAndUsers) {
  EXPECT_EQ(call("PUT", "/v1/groups/g/connections/" + some_id()).status, 204);
  EXPECT_TRUE(router.last<push::Membership>().joins);
  EXPECT_EQ(router.last<push::Membership>().group, "g");
  EXPECT_EQ(std::get<push::OneConnection>(router.last<push::Membership>().target).id.view(),
            some_id());
  EXPECT_EQ(
      call("PUT", "/v1/groups/g/connections/" + some_id(), outcome_of(Delivery::kHeld)).status,
      204);
  EXPECT_EQ(call("DELETE", "/v1/groups/g/users/u").status, 204);
  EXPECT_FALSE(router.last<push::Membership>().joins);
  EXPECT_EQ(router.last<push::Membership>().group, "g");
  EXPECT_EQ(std::get<push::UserConnections>(router.last<push::Membership>().target).user, "u");
}

TEST_F(ManagementApiTest, CountsAndPresence) {
  PushOutcome outcome;
  outcome.count = 3;
  EXPECT_EQ(call("GET", "/v1/groups/a%2Fb", outcome).body, R"({"group":"a/b","count":3})");
  EXPECT_EQ(call("GET", "/v1/users/ann").body, R"({"user":"ann","online":false,"connections":[]})");
  outcome.connection_ids = {"A", "B"};
  EXPECT_EQ(call("GET", "/v1/users/ann", outcome).body,
            R"({"user":"ann","online":true,"connections":["A","B"]})");
}

TEST_F(ManagementApiTest, MalformedNamesAre400) {
  for (const std::string name : {"%00", "%0A", "%7F", "%C2%85", "%FF", ""}) {
    EXPECT_EQ(code_of(*ask("GET", "/v1/groups/" + name)), "invalid_name") << name;
    EXPECT_EQ(code_of(*ask("POST", "/v1/users/" + name + "/messages")), "invalid_name") << name;
  }
  EXPECT_EQ(code_of(*ask("GET", "/v1/users/" + std::string(129, 'x'))), "invalid_name");
  EXPECT_EQ(call("GET", "/v1/users/" + std::string(128, 'x')).status, 200);
}

TEST_F(ManagementApiTest, AMalformedEscapeInThePathIs400) {
  EXPECT_EQ(code_of(*ask("GET", "/v1/groups/%z")), "bad_request");
  EXPECT_EQ(code_of(*ask("GET", "*")), "bad_request");
}

TEST_F(ManagementApiTest, UnknownPathsAre404AndWrongMethodsAre405WithAllow) {
  for (const char* path : {"/", "/v1", "/v1/nowhere", "/v2/connections", "/v1/groups/g/x", "/x"}) {
    EXPECT_EQ(code_of(*ask("GET", path)), "not_found") << path;
  }
  const Answer answer = *ask("PATCH", "/v1/connections/" + some_id());
  EXPECT_EQ(code_of(answer), "method_not_allowed");
  EXPECT_EQ(*answer.headers.find("Allow"), "GET, HEAD, DELETE");
  EXPECT_EQ(*ask("GET", "/v1/batch")->headers.find("Allow"), "POST");
}

TEST_F(ManagementApiTest, HeadIsAnsweredAsGet) {
  EXPECT_EQ(call("HEAD", "/v1/groups/g").status, 200);
  EXPECT_EQ(ask("HEAD", "/v1/messages")->status, 405);
}

TEST_F(ManagementApiTest, AnswersAreCountedByClass) {
  api.count_answer(204);
  api.count_answer(410);
  EXPECT_EQ(metrics.management_answers[2].value(), 1U);
  EXPECT_EQ(metrics.management_answers[4].value(), 1U);
}

}  // namespace
}  // namespace sockhook::management
