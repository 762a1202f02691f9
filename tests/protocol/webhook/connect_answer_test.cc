#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/webhook/webhook_answer.h"

namespace sockhook::webhook {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = ConnectAnswer::Outcome;

const websocket::Subprotocols kOffered = {"chat.v1", "chat.v2"};

ConnectAnswer events(int status, http::Headers headers = {}, std::string body = {}) {
  return interpret_connect_answer(Format::kEvents, {status, std::move(headers), std::move(body)},
                                  kOffered);
}

ConnectAnswer lambda(std::string result, int status = 200, http::Headers headers = {}) {
  return interpret_connect_answer(Format::kLambda, {status, std::move(headers), std::move(result)},
                                  kOffered);
}

TEST(ConnectAnswer, Of2xxAccepts) {
  for (const int status : {200, 204, 299}) {
    const auto answer = events(status);
    EXPECT_EQ(answer.outcome, Outcome::kAccepted) << status;
    EXPECT_EQ(answer.subprotocol, "");
    EXPECT_THAT(answer.frames, IsEmpty());
  }
}

TEST(ConnectAnswer, NegotiatesASubprotocolThatWasOffered) {
  EXPECT_EQ(events(200, {{"Sec-WebSocket-Protocol", "chat.v2"}}).subprotocol, "chat.v2");
  EXPECT_EQ(events(200, {{"Sec-WebSocket-Protocol", ""}}).outcome, Outcome::kAccepted);
}

TEST(ConnectAnswer, WithASubprotocolThatWasNotOfferedIsABadGateway) {
  for (const char* name : {"other", "CHAT.V1", "chat.v1, chat.v2"}) {
    const auto answer = events(200, {{"sec-websocket-protocol", name}});
    EXPECT_EQ(answer.outcome, Outcome::kFailed) << name;
    EXPECT_FALSE(answer.is_refused_by_backend) << "$disconnect is owed";
  }
  EXPECT_EQ(
      events(200, {{"Sec-WebSocket-Protocol", "chat.v1"}, {"Sec-WebSocket-Protocol", "chat.v2"}})
          .outcome,
      Outcome::kFailed);
}

TEST(ConnectAnswer, HandsItsCookiesOn) {
  EXPECT_THAT(
      events(200, {{"Set-Cookie", "a=1; Path=/"}, {"set-cookie", "b=2"}, {"X-A", "b"}}).set_cookies,
      ElementsAre("a=1; Path=/", "b=2"));
}

TEST(ConnectAnswer, HasTheFirstFramesInItsBody) {
  EXPECT_THAT(events(200, {}, "welcome").frames, ElementsAre(OutFrame{false, "welcome"}));
  EXPECT_THAT(events(200, {{"Content-Type", "application/x-ndjson"}}, "1\n2\n").frames,
              ElementsAre(OutFrame{false, "1"}, OutFrame{false, "2"}));
  EXPECT_THAT(events(200, {{"Content-Type", "application/octet-stream"}}, "\xFF").frames,
              ElementsAre(OutFrame{true, "\xFF"}));
}

TEST(ConnectAnswer, HasEffectsWhenItAccepts) {
  const auto answer = events(200, {{"Sockhook-User", "ada"},
                                   {"Sockhook-Join", "lobby"},
                                   {"Sockhook-State", "s"},
                                   {"Sockhook-Close", "4000"}});
  EXPECT_EQ(answer.effects.user, "ada");
  EXPECT_EQ(answer.effects.state, "s");
  EXPECT_THAT(answer.effects.groups, ElementsAre(GroupChange{"lobby", true}));
  EXPECT_EQ(answer.effects.close, (CloseEffect{4000, ""}));
  EXPECT_TRUE(events(403, {{"Sockhook-User", "ada"}}).effects.empty());
}

TEST(ConnectAnswer, OfAnyOtherStatusIsPassedOnWithItsEndToEndHeaders) {
  for (const int status : {301, 401, 429, 500, 503}) {
    const auto answer = events(status,
                               {{"WWW-Authenticate", "Basic"},
                                {"Sockhook-State", "secret"},
                                {"Connection", "X-Hop"},
                                {"X-Hop", "1"},
                                {"Transfer-Encoding", "chunked"},
                                {"Content-Length", "3"},
                                {"Content-Type", "text/html"},
                                {"Content-Encoding", "gzip"}},
                               "\xFF\xFE!");
    EXPECT_EQ(answer.outcome, Outcome::kRefused) << status;
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body, "\xFF\xFE!");
    EXPECT_EQ(answer.headers, (http::Headers{{"WWW-Authenticate", "Basic"},
                                             {"Content-Type", "text/html"},
                                             {"Content-Encoding", "gzip"}}));
  }
}

TEST(ConnectAnswer, Of3xxAnd4xxIsARefusalByTheBackendAndOf5xxIsNot) {
  for (const int status : {300, 302, 304, 400, 403, 499}) {
    EXPECT_TRUE(events(status).is_refused_by_backend) << status;
  }
  for (const int status : {200, 500, 502, 599}) {
    EXPECT_FALSE(events(status).is_refused_by_backend) << status;
  }
}

TEST(ConnectAnswer, ThatIsMalformedIsABadGateway) {
  for (const int status : {101, 102, 199, 600, 999}) {
    EXPECT_EQ(events(status).outcome, Outcome::kFailed) << status;
    EXPECT_FALSE(events(status).is_refused_by_backend) << status;
  }
}

TEST(ConnectAnswer, ThatAcceptsWithABodyThatIsNoTextIsABadGateway) {
  EXPECT_EQ(events(200, {}, "\xFF").outcome, Outcome::kFailed);
  EXPECT_EQ(events(200, {{"Content-Encoding", "gzip"}}, "x").outcome, Outcome::kFailed);
  const auto lost = interpret_connect_answer(
      Format::kEvents, {.status = 200, .headers = {}, .body = {}, .is_body_lost = true}, kOffered);
  EXPECT_EQ(lost.outcome, Outcome::kFailed);
  EXPECT_NE(lost.why, "");
}

TEST(ConnectAnswer, ThatRefusesStaysARefusalWithoutABodyThatCannotBePassedOn) {
  const HttpAnswer answer = {.status = 403,
                             .headers = {{"Content-Type", "text/plain"}, {"X-A", "b"}},
                             .body = "cut o",
                             .is_body_lost = true};
  const auto refused = interpret_connect_answer(Format::kEvents, answer, kOffered);
  EXPECT_EQ(refused.outcome, Outcome::kRefused);
  EXPECT_TRUE(refused.is_refused_by_backend);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.body, "");
  EXPECT_EQ(refused.headers, (http::Headers{{"X-A", "b"}}));

  HttpAnswer error = answer;
  error.status = 500;
  EXPECT_EQ(interpret_connect_answer(Format::kEvents, error, kOffered).outcome, Outcome::kFailed);
}

TEST(LambdaConnectAnswer, IsDecidedByTheStatusCode) {
  EXPECT_EQ(lambda(R"({"statusCode":200})").outcome, Outcome::kAccepted);
  const auto refused =
      lambda(R"({"statusCode":"403","headers":{"X-Why":"no","Sockhook-State":"s"},)"
             R"("body":"bm8=","isBase64Encoded":true})");
  EXPECT_EQ(refused.outcome, Outcome::kRefused);
  EXPECT_TRUE(refused.is_refused_by_backend);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.body, "no");
  EXPECT_EQ(refused.headers, (http::Headers{{"X-Why", "no"}}));
  EXPECT_FALSE(lambda(R"({"statusCode":500})").is_refused_by_backend);
}

TEST(LambdaConnectAnswer, ThatAcceptsDropsTheBodyAndKeepsTheHeaders) {
  const auto answer =
      lambda(R"({"statusCode":200,"body":"dropped","headers":{"Sec-WebSocket-Protocol":"chat.v1",)"
             R"("Sockhook-User":"ada"},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]}})");
  EXPECT_EQ(answer.outcome, Outcome::kAccepted);
  EXPECT_THAT(answer.frames, IsEmpty());
  EXPECT_EQ(answer.subprotocol, "chat.v1");
  EXPECT_EQ(answer.effects.user, "ada");
  EXPECT_THAT(answer.set_cookies, ElementsAre("a=1", "b=2"));
  EXPECT_EQ(lambda(R"({"statusCode":200,"headers":{"Sec-WebSocket-Protocol":"x"}})").outcome,
            Outcome::kFailed);
}

TEST(LambdaConnectAnswer, OfAFunctionThatFailedIsABadGateway) {
  for (const auto& answer :
       {lambda(R"({"errorMessage":"boom"})"), lambda("null"), lambda("\"ok\""), lambda(""),
        lambda(R"({"body":"no status"})"), lambda(R"({"statusCode":101})"),
        lambda(R"({"statusCode":200})", 200, {{"X-Amz-Function-Error", "Unhandled"}})}) {
    EXPECT_EQ(answer.outcome, Outcome::kFailed);
    EXPECT_FALSE(answer.is_refused_by_backend);
    EXPECT_NE(answer.why, "");
  }
}

TEST(LambdaConnectAnswer, OfTheFunctionsHostIsTreatedAsInTheEventsFormatUnless2xx) {
  const auto answer = lambda("not here", 404, {{"X-A", "b"}});
  EXPECT_EQ(answer.outcome, Outcome::kRefused);
  EXPECT_TRUE(answer.is_refused_by_backend);
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "not here");
  EXPECT_EQ(answer.headers, (http::Headers{{"X-A", "b"}}));
}

}  // namespace
}  // namespace sockhook::webhook
