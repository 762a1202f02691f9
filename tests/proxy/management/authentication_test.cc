// Bearer tokens, what they allow and how far they reach, on both APIs.

#include "tests/proxy/management/api_fixture.h"

namespace sockhook::management {
namespace {

conf::Config guarded() {
  conf::Config config;
  config.management.tokens = {{"all-rights", {}},
                              {"sender", {true, false, false, {}}},
                              {"reader", {false, true, false, {}}},
                              {"manager", {false, false, true, {}}},
                              {"chat-only", {true, true, true, {"chat"}}}};
  return config;
}

http::Headers bearer(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

class AuthenticationTest : public ApiFixture {
 protected:
  AuthenticationTest() : ApiFixture(guarded()) {}
};

TEST_F(AuthenticationTest, WithoutAValidTokenItIs401WithAChallenge) {
  for (const http::Headers& headers : std::initializer_list<http::Headers>{
           {},
           bearer("wrong"),
           bearer(""),
           bearer("all-right"),
           bearer("all-rightsx"),
           {{"Authorization", "Basic YWxsLXJpZ2h0czo="}},
           {{"Authorization", "all-rights"}},
           {{"Authorization", "Bearer all-rights"}, {"Authorization", "Bearer all-rights"}}}) {
    const Answer answer = *ask("GET", "/v1/connections", {}, headers);
    EXPECT_EQ(answer.status, 401);
    EXPECT_EQ(code_of(answer), "unauthorized");
    EXPECT_EQ(*answer.headers.find("WWW-Authenticate"), "Bearer");
  }
  EXPECT_TRUE(router.submitted.empty());
}

TEST_F(AuthenticationTest, TheSchemeIsComparedWithoutCase) {
  EXPECT_EQ(call("GET", "/v1/groups/g", {}, {{"Authorization", "bearer reader"}}).status, 200);
}

TEST_F(AuthenticationTest, WhoeverMayNotCallLearnsNothingAboutPaths) {
  EXPECT_EQ(ask("GET", "/v1/nowhere")->status, 401);
  EXPECT_EQ(ask("PATCH", "/v1/messages")->status, 401);
  EXPECT_EQ(ask("GET", "/v1/%zz")->status, 401);
}

TEST_F(AuthenticationTest, SendIsPostOfMessagesReadIsGetAndManageTheRest) {
  const std::string id = some_id();
  const std::pair<const char*, std::vector<std::pair<const char*, std::string>>> kinds[] = {
      {"sender",
       {{"POST", "/v1/connections/" + id + "/messages"},
        {"POST", "/v1/groups/g/messages"},
        {"POST", "/v1/users/u/messages"},
        {"POST", "/v1/messages"},
        {"POST", "/@connections/" + id}}},
      {"reader",
       {{"GET", "/v1/connections/" + id},
        {"GET", "/v1/connections"},
        {"GET", "/v1/groups/g"},
        {"GET", "/v1/groups/g/connections"},
        {"GET", "/v1/users/u"},
        {"GET", "/@connections/" + id}}},
      {"manager",
       {{"DELETE", "/v1/connections/" + id},
        {"PUT", "/v1/groups/g/connections/" + id},
        {"DELETE", "/v1/groups/g/connections/" + id},
        {"PUT", "/v1/groups/g/users/u"},
        {"DELETE", "/v1/groups/g/users/u"},
        {"DELETE", "/v1/users/u/connections"},
        {"DELETE", "/@connections/" + id}}}};
  for (const auto& [owner, calls] : kinds) {
    for (const auto& [method, path] : calls) {
      for (const char* token : {"sender", "reader", "manager", "all-rights"}) {
        const bool may =
            token == std::string_view(owner) || token == std::string_view("all-rights");
        const auto answer = ask(method, path, {}, bearer(token));
        EXPECT_EQ(!answer, may) << token << " " << method << " " << path;
        if (answer) {
          EXPECT_EQ(answer->status, 403);
        }
      }
    }
  }
}

TEST_F(AuthenticationTest, ForbiddenIsSaidInTheCallersDialect) {
  EXPECT_EQ(code_of(*ask("GET", "/v1/groups/g", {}, bearer("sender"))), "forbidden");
  const Answer answer = *ask("GET", "/@connections/" + some_id(), {}, bearer("sender"));
  EXPECT_EQ(*answer.headers.find("x-amzn-ErrorType"), "ForbiddenException");
}

TEST_F(AuthenticationTest, ATokenOfOneEndpointTakesItsScopeAlong) {
  call("POST", "/v1/messages", "x", bearer("chat-only"));
  ASSERT_TRUE(router.submitted.back().command.scope);
  EXPECT_EQ(*router.submitted.back().command.scope, std::set<std::string>{"chat"});
  call("GET", "/v1/connections", {}, bearer("chat-only"));
  EXPECT_TRUE(router.submitted.back().command.scope);
  call("POST", "/v1/messages", "x", bearer("all-rights"));
  EXPECT_FALSE(router.submitted.back().command.scope);
}

TEST_F(AuthenticationTest, AnEndpointOutOfReachIsForbiddenToName) {
  EXPECT_EQ(code_of(*ask("POST", "/v1/messages?endpoint=other", "x", bearer("chat-only"))),
            "forbidden");
  EXPECT_EQ(code_of(*ask("GET", "/v1/connections?endpoint=other", {}, bearer("chat-only"))),
            "forbidden");
  EXPECT_EQ(call("POST", "/v1/messages?endpoint=chat", "x", bearer("chat-only")).status, 200);
}

TEST_F(AuthenticationTest, TheDocumentIsOpen) {
  EXPECT_EQ(ask("GET", "/v1/openapi.json")->status, 200);
}

TEST_F(AuthenticationTest, EachLineOfABatchNeedsItsOwnPermission) {
  EXPECT_EQ(ask("POST", "/v1/batch")->status, 401);
  const Answer answer =
      *ask("POST", "/v1/batch", R"({"method":"GET","path":"/v1/groups/g"})", bearer("sender"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(nlohmann::json::parse(answer.body).at("status"), 403);
}

TEST_F(AuthenticationTest, ConnectionsSaysMissingAndInvalidAsApiGateway) {
  const Answer missing = *ask("GET", "/@connections/" + some_id());
  EXPECT_EQ(missing.status, 403);
  EXPECT_EQ(*missing.headers.find("x-amzn-ErrorType"), "MissingAuthenticationTokenException");
  EXPECT_EQ(missing.body, R"({"message":"Missing Authentication Token"})");
  const Answer invalid = *ask("GET", "/@connections/" + some_id(), {}, bearer("wrong"));
  EXPECT_EQ(invalid.status, 403);
  EXPECT_EQ(*invalid.headers.find("x-amzn-ErrorType"), "UnrecognizedClientException");
}

conf::Config only_other_credentials() {
  conf::Config config;
  config.management.sigv4 = {{"id", "secret", {}}};
  return config;
}

class OtherCredentialsTest : public ApiFixture {
 protected:
  OtherCredentialsTest() : ApiFixture(only_other_credentials()) {}
};

TEST_F(OtherCredentialsTest, ConfiguredAuthIsEnforcedAlsoWithoutBearerTokens) {
  EXPECT_EQ(ask("GET", "/v1/groups/g")->status, 401);
  EXPECT_EQ(ask("GET", "/v1/groups/g", {}, bearer(""))->status, 401);
}

// A signature that is right is shown with real SDKs; here is what is refused, and when.
TEST_F(OtherCredentialsTest, SignaturesAreRefusedAsApiGatewayDoes) {
  const auto type_of = [&](const std::string& id, const std::string& date) {
    const Answer answer =
        *ask("POST", "/@connections/" + some_id(), "x",
             {{"Host", "h"},
              {"X-Amz-Date", date},
              {"Authorization", "AWS4-HMAC-SHA256 Credential=" + id +
                                    "/20260101/r/execute-api/aws4_request, SignedHeaders=host, "
                                    "Signature=00"}});
    EXPECT_EQ(answer.status, 403);
    return *answer.headers.find("x-amzn-ErrorType");
  };
  EXPECT_EQ(type_of("other", "20260101T000000Z"), "UnrecognizedClientException");
  EXPECT_EQ(type_of("id", "20260101T000000Z"), "InvalidSignatureException");
  EXPECT_EQ(type_of("id", "yesterday"), "InvalidSignatureException");
  EXPECT_TRUE(router.submitted.empty());
}

}  // namespace
}  // namespace sockhook::management
