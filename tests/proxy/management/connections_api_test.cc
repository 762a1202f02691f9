// API Gateway's @connections, byte for byte as A13 has it.

#include "protocol/websocket/frame_encoder.h"
#include "tests/proxy/management/api_fixture.h"

namespace sockhook::management {
namespace {

using push::Delivery;
using push::PushOutcome;
using push::RouteFailure;
using websocket::Opcode;

class ConnectionsApiTest : public ApiFixture {
 protected:
  const std::string path = "/@connections/" + some_id();

  static void expect_error(const Answer& answer, int status, const char* type) {
    EXPECT_EQ(answer.status, status);
    ASSERT_TRUE(answer.headers.find("x-amzn-ErrorType")) << type;
    EXPECT_EQ(*answer.headers.find("x-amzn-ErrorType"), type);
    EXPECT_EQ(answer.content_type, "application/json");
    EXPECT_TRUE(nlohmann::json::parse(answer.body).at("message").is_string());
    EXPECT_TRUE(answer.headers.find("x-amzn-RequestId"));
  }
};

TEST_F(ConnectionsApiTest, ThePathMayHaveAStageAndBeEncoded) {
  for (const std::string& target :
       {path, "/prod" + path, "/%40connections/" + some_id(),
        "/dev/%40connections/%" + std::string("41") + some_id().substr(1)}) {
    const Answer answer = call("POST", target, "x");
    EXPECT_EQ(answer.status, 200) << target;
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(answer.headers.find("x-amzn-RequestId")->size(), 36U);
  }
}

TEST_F(ConnectionsApiTest, TheBodyChoosesTheFrameWhateverTheContentType) {
  for (const http::Headers& headers : std::initializer_list<http::Headers>{
           {}, {{"Content-Type", "application/octet-stream"}}, {{"Content-Type", "text/plain"}}}) {
    call("POST", path, "grüße", headers);
    EXPECT_EQ(*router.last<push::Send>().frame, *websocket::encode_frame(Opcode::kText, "grüße"));
    call("POST", path, "\xff", headers);
    EXPECT_EQ(*router.last<push::Send>().frame, *websocket::encode_frame(Opcode::kBinary, "\xff"));
  }
}

TEST_F(ConnectionsApiTest, APushDuringConnectIs200) {
  EXPECT_EQ(call("POST", path, outcome_of(Delivery::kHeld), "x").status, 200);
}

TEST_F(ConnectionsApiTest, ParametersOfTheOtherApiMeanNothing) {
  EXPECT_FALSE(ask("POST", path + "?wait=none", "x")) << "the outcome is awaited";
  EXPECT_EQ(call("DELETE", path + "?code=4000&reason=r").status, 204);
  EXPECT_EQ(router.last<push::Close>().code, 1000);
  EXPECT_EQ(router.last<push::Close>().reason, "");
}

TEST_F(ConnectionsApiTest, GetTellsTimesAndIdentity) {
  PushOutcome outcome;
  push::ConnectionInfo info;
  info.connected_at_ms = 1'707'487'903'123;
  info.handshake_at_ms = 1'707'487'902'000;
  info.last_active_at_ms = 1'707'487'904'000;
  info.remote_address = "203.0.113.7";
  info.user_agent = "Browser/1";
  outcome.connections = {info};
  const Answer answer = call("GET", path, outcome);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            R"({"connectedAt":"2024-02-09T14:11:43.123Z","identity":{"sourceIp":"203.0.113.7",)"
            R"("userAgent":"Browser/1"},"lastActiveAt":"2024-02-09T14:11:44.000Z"})");
  outcome.connections[0].connected_at_ms.reset();
  const auto pending = nlohmann::json::parse(call("GET", path, outcome).body);
  EXPECT_EQ(pending.at("connectedAt"), "2024-02-09T14:11:42.000Z") << "of the handshake";
}

TEST_F(ConnectionsApiTest, OutcomesAreTypedErrors) {
  expect_error(call("POST", path, outcome_of(Delivery::kGone), "x"), 410, "GoneException");
  expect_error(call("GET", path, outcome_of(Delivery::kGone)), 410, "GoneException");
  expect_error(call("DELETE", path, outcome_of(Delivery::kGone)), 410, "GoneException");
  expect_error(call("POST", path, outcome_of(Delivery::kTooLarge), "x"), 413,
               "PayloadTooLargeException");
  expect_error(call("POST", path, outcome_of(Delivery::kSlow), "x"), 429, "LimitExceededException");
  expect_error(call("POST", path, outcome_of(Delivery::kForbidden), "x"), 403,
               "ForbiddenException");
  expect_error(*ask("POST", path, {}, {}, true), 413, "PayloadTooLargeException");
}

TEST_F(ConnectionsApiTest, AMalformedIdIsABadRequestThatNamesIt) {
  const Answer answer = *ask("POST", "/prod/@connections/L0SM9cOFvHcCIhw%3D", "x");
  expect_error(answer, 400, "BadRequestException");
  EXPECT_EQ(answer.body, R"({"message":"Invalid connectionId: L0SM9cOFvHcCIhw="})");
  expect_error(*ask("GET", "/@connections/" + std::string(30, 'A')), 410, "GoneException");
}

TEST_F(ConnectionsApiTest, RouteFailuresAre503And504) {
  ask("POST", path, "x");
  router.fail(0, RouteFailure::kOverloaded);
  EXPECT_EQ(answers.at(last_call).status, 503);
  EXPECT_TRUE(answers.at(last_call).headers.find("Retry-After"));
  ask("POST", path, "x");
  router.fail(1, RouteFailure::kTimedOut);
  EXPECT_EQ(answers.at(last_call).status, 504);
}

TEST_F(ConnectionsApiTest, OtherMethodsAndPathsSpeakTheSameDialect) {
  const Answer answer = *ask("PUT", path);
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(*answer.headers.find("Allow"), "POST, GET, HEAD, DELETE");
  EXPECT_TRUE(answer.headers.find("x-amzn-ErrorType"));
  expect_error(*ask("GET", "/prod/@connections"), 403, "ForbiddenException");
}

}  // namespace
}  // namespace sockhook::management
