#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/webhook/webhook_answer.h"

namespace sockhook::webhook {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = MessageAnswer::Outcome;

MessageAnswer events(int status, http::Headers headers, std::string body) {
  return interpret_message_answer(Format::kEvents, {status, std::move(headers), std::move(body)});
}

MessageAnswer lambda(std::string result, int status = 200, http::Headers headers = {}) {
  return interpret_message_answer(Format::kLambda, {status, std::move(headers), std::move(result)});
}

OutFrame text(std::string payload) { return {false, std::move(payload)}; }
OutFrame binary(std::string payload) { return {true, std::move(payload)}; }

TEST(MessageAnswer, OfStatus2xxWithABodyIsOneTextFrame) {
  for (const int status : {200, 201, 202, 299}) {
    const auto answer = events(status, {{"Content-Type", "application/json"}}, "{\"a\":\n1}");
    EXPECT_EQ(answer.outcome, Outcome::kFrames) << status;
    EXPECT_THAT(answer.frames, ElementsAre(text("{\"a\":\n1}")));
  }
  EXPECT_THAT(events(200, {}, "x").frames, ElementsAre(text("x"))) << "without a content type";
}

TEST(MessageAnswer, OfOctetStreamIsOneBinaryFrame) {
  for (const char* type : {"application/octet-stream", "Application/Octet-Stream ; x=y"}) {
    const std::string bytes("\xFF\n\0", 3);
    EXPECT_THAT(events(200, {{"content-type", type}}, bytes).frames, ElementsAre(binary(bytes)));
  }
}

TEST(MessageAnswer, OfNdjsonIsOneTextFramePerLineThatIsNotEmpty) {
  const http::Headers ndjson = {{"Content-Type", "application/x-ndjson; charset=utf-8"}};
  EXPECT_THAT(events(200, ndjson, "{\"a\":1}\r\n\n\r\n[2]\n \n3").frames,
              ElementsAre(text("{\"a\":1}"), text("[2]"), text(" "), text("3")));
  EXPECT_THAT(events(200, ndjson, "\n\r\n").frames, IsEmpty());
}

TEST(MessageAnswer, OfNdjsonIsAllOrNothing) {
  const auto answer =
      events(200, {{"Content-Type", "application/x-ndjson"}}, "{\"good\":1}\n\"\xFF\"\n");
  EXPECT_EQ(answer.outcome, Outcome::kBackendFailure);
  EXPECT_THAT(answer.frames, IsEmpty());
}

TEST(MessageAnswer, WithoutABodySendsNothing) {
  for (const int status : {200, 202, 204}) {
    const auto answer = events(status, {{"Content-Type", "application/octet-stream"}}, "");
    EXPECT_EQ(answer.outcome, Outcome::kFrames);
    EXPECT_THAT(answer.frames, IsEmpty());
  }
}

TEST(MessageAnswer, Of4xxSendsItsBody) {
  const auto answer = events(400, {{"Sockhook-Join", "g"}}, "no such room");
  EXPECT_EQ(answer.outcome, Outcome::kFrames);
  EXPECT_THAT(answer.frames, ElementsAre(text("no such room")));
  EXPECT_THAT(answer.effects.groups, ElementsAre(GroupChange{"g", true}));
}

TEST(MessageAnswer, Of4xxWithoutABodyIsAnErrorFrameWithTheStandardPhrase) {
  struct Case {
    int status;
    const char* phrase;
  };
  for (const Case& c : std::initializer_list<Case>{{429, "Too Many Requests"},
                                                   {403, "Forbidden"},
                                                   {404, "Not Found"},
                                                   {499, "Bad Request"}}) {
    const auto answer = events(c.status, {{"Sockhook-State", "s"}}, "");
    EXPECT_EQ(answer.outcome, Outcome::kErrorFrame) << c.status;
    EXPECT_EQ(answer.error, c.phrase);
    EXPECT_EQ(answer.effects.state, "s") << "effects count on a 4xx too";
  }
}

TEST(MessageAnswer, OfAnythingElseIsABackendFailureWithoutEffects) {
  const http::Headers state = {{"Sockhook-State", "s"}};
  http::Headers gzip = state;
  gzip.add("Content-Encoding", "gzip");
  for (const auto& answer :
       {events(101, state, ""), events(199, state, "x"), events(301, state, "x"),
        events(304, state, ""), events(500, state, "x"), events(503, state, ""),
        events(600, state, "x"), events(200, state, "\xFF"), events(400, state, "\xC3"),
        events(200, gzip, "x"), events(400, gzip, "x"),
        interpret_message_answer(
            Format::kEvents,
            {.status = 200, .headers = state, .body = {}, .is_body_lost = true})}) {
    EXPECT_TRUE(answer.is_failure());
    EXPECT_EQ(answer.error, "Internal server error");
    EXPECT_NE(answer.why, "");
    EXPECT_THAT(answer.frames, IsEmpty());
    EXPECT_TRUE(answer.effects.empty());
  }
}

TEST(MessageAnswer, MayHaveTheIdentityEncoding) {
  EXPECT_THAT(events(200, {{"Content-Encoding", "Identity"}}, "x").frames, ElementsAre(text("x")));
  EXPECT_TRUE(events(200, {{"Content-Encoding", "identity, br"}}, "x").is_failure());
  EXPECT_FALSE(events(204, {{"Content-Encoding", "gzip"}}, "").is_failure());
}

TEST(MessageAnswer, EffectsOf2xxCount) {
  const auto answer = events(204, {{"Sockhook-Close", "4000 bye"}, {"Sockhook-User", "u"}}, "");
  EXPECT_EQ(answer.effects.close, (CloseEffect{4000, "bye"}));
  EXPECT_EQ(answer.effects.mistakes.size(), 1U);
}

TEST(LambdaMessageAnswer, SendsABodyThatIsNotEmptyWhateverTheStatusCode) {
  for (const char* result :
       {R"({"statusCode":200,"body":"hi"})", R"({"statusCode":500,"body":"hi"})",
        R"({"statusCode":"404","body":"hi","headers":null,"multiValueHeaders":null})",
        R"({"body":"hi","isBase64Encoded":false})"}) {
    const auto answer = lambda(result);
    EXPECT_EQ(answer.outcome, Outcome::kFrames) << result << answer.why;
    EXPECT_THAT(answer.frames, ElementsAre(text("hi")));
  }
  for (const char* result : {R"({"statusCode":200})", R"({"statusCode":200,"body":""})",
                             R"({"statusCode":429})", R"({"statusCode":200,"body":null})"}) {
    EXPECT_EQ(lambda(result).outcome, Outcome::kFrames) << result;
    EXPECT_THAT(lambda(result).frames, IsEmpty());
  }
}

TEST(LambdaMessageAnswer, IgnoresContentTypes) {
  EXPECT_THAT(lambda(R"({"statusCode":200,"headers":{"Content-Type":"application/x-ndjson"},)"
                     R"("body":"1\n2"})")
                  .frames,
              ElementsAre(text("1\n2")));
}

TEST(LambdaMessageAnswer, DecodesBase64IntoABinaryFrame) {
  EXPECT_THAT(lambda(R"({"statusCode":200,"body":"/wA=","isBase64Encoded":true})").frames,
              ElementsAre(binary(std::string("\xFF\0", 2))));
}

TEST(LambdaMessageAnswer, HasItsEffectsInTheResultsHeaders) {
  const auto answer =
      lambda(R"({"statusCode":200,"headers":{"sockhook-state":"s","Sockhook-Join":"a"},)"
             R"("multiValueHeaders":{"Sockhook-Join":["a","b, c"],"X":[1,true]}})",
             200, {{"Sockhook-Leave", "ignored"}});
  EXPECT_EQ(answer.effects.state, "s");
  EXPECT_THAT(answer.effects.groups,
              ElementsAre(GroupChange{"a", true}, GroupChange{"b", true}, GroupChange{"c", true}));
}

TEST(LambdaMessageAnswer, IsABackendFailureWhenTheFunctionFailed) {
  const std::string good = R"({"statusCode":200,"body":"hi"})";
  for (const auto& answer :
       {lambda(good, 500), lambda(good, 502), lambda(good, 429), lambda(good, 302),
        lambda(good, 200, {{"X-Amz-Function-Error", "Unhandled"}}),
        lambda(R"({"errorMessage":"boom","errorType":"Error","trace":[]})"),
        lambda(good, 200, {{"Content-Encoding", "gzip"}})}) {
    EXPECT_TRUE(answer.is_failure());
    EXPECT_EQ(answer.error, "Internal server error");
    EXPECT_NE(answer.why, "");
  }
}

TEST(LambdaMessageAnswer, IsABackendFailureWhenTheResultIsMalformed) {
  for (const char* result : {"",
                             "null",
                             "\"hi\"",
                             "42",
                             "[]",
                             "{}",
                             "{",
                             R"({"foo":1})",
                             R"({"statusCode":200} x)",
                             R"({"statusCode":"ok","body":"x"})",
                             R"({"statusCode":99})",
                             R"({"statusCode":600})",
                             R"({"statusCode":4294967496})",
                             R"({"statusCode":200.5})",
                             R"({"statusCode":true})",
                             R"({"statusCode":"200 "})",
                             R"({"statusCode":200,"body":{"a":1}})",
                             R"({"statusCode":200,"body":1})",
                             R"({"statusCode":200,"headers":[]})",
                             R"({"statusCode":200,"headers":{"a":["b"]}})",
                             R"({"statusCode":200,"multiValueHeaders":{"a":"b"}})",
                             R"({"statusCode":200,"isBase64Encoded":"true","body":"aGk="})",
                             R"({"statusCode":200,"isBase64Encoded":true,"body":"*"})",
                             "{\"statusCode\":200,\"body\":\"\xFF\"}"}) {
    EXPECT_TRUE(lambda(result).is_failure()) << result;
    EXPECT_NE(lambda(result).why, "");
  }
}

TEST(LambdaMessageAnswer, SurvivesAResultThatIsNestedDeeply) {
  EXPECT_TRUE(lambda(std::string(1'000'000, '[')).is_failure());
}

TEST(DisconnectAnswer, Of2xxAnd4xxExcept408And425And429EndsTheRetries) {
  for (const int status : {200, 204, 299, 400, 401, 404, 410, 499}) {
    EXPECT_TRUE(ends_disconnect_retries(status)) << status;
  }
  for (const int status : {101, 301, 304, 408, 425, 429, 500, 502, 503, 504, 600}) {
    EXPECT_FALSE(ends_disconnect_retries(status)) << status;
  }
}

}  // namespace
}  // namespace sockhook::webhook
