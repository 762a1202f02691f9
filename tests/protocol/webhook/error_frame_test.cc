#include "protocol/webhook/error_frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/webhook/problem.h"
#include "protocol/webhook/request_id.h"

namespace sockhook::webhook {
namespace {

TEST(ErrorFrame, HasApiGatewaysBytes) {
  EXPECT_EQ(error_frame(kForbidden, "X=", "Y="),
            R"({"message": "Forbidden", "connectionId":"X=", "requestId":"Y="})");
  EXPECT_EQ(error_frame(kInternalServerError, "c", "c-1"),
            R"({"message": "Internal server error", "connectionId":"c", "requestId":"c-1"})");
  EXPECT_EQ(error_frame(kRequestTimedOut, "c", "c-2"),
            R"({"message": "Endpoint request timed out", "connectionId":"c", "requestId":"c-2"})");
  EXPECT_EQ(error_frame(kTooManyRequests, "c", "r"),
            R"({"message": "Too Many Requests", "connectionId":"c", "requestId":"r"})");
}

TEST(ErrorFrame, IsJsonWhateverTheMessageSays) {
  EXPECT_EQ(error_frame("a \"b\"\n", "c", "r"),
            R"({"message": "a \"b\"\n", "connectionId":"c", "requestId":"r"})");
}

TEST(RequestId, Is15Base64UrlCharactersAndAnEqualsSign) {
  const auto pattern = testing::MatchesRegex("[A-Za-z0-9_-]{15}=");
  EXPECT_EQ(request_id({}), "AAAAAAAAAAAAAAA=");
  EXPECT_THAT(request_id({255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), pattern);
  EXPECT_THAT(lambda_request_id("c-1"), pattern);
  EXPECT_THAT(lambda_message_id("c-1"), pattern);
}

TEST(RequestId, OfALambdaEventIsTheSameOnEveryRetryAndDistinctPerEvent) {
  EXPECT_EQ(lambda_request_id("c-1"), lambda_request_id("c-1"));
  EXPECT_NE(lambda_request_id("c-1"), lambda_request_id("c-2"));
  EXPECT_NE(lambda_request_id("c-1"), lambda_message_id("c-1"));
}

TEST(Problem, IsAboutBlankWithTheStatusPhraseAndAStableCode) {
  EXPECT_EQ(problem_body(410, "gone", "The connection is \"gone\"."),
            R"({"type":"about:blank","title":"Gone","status":410,"code":"gone",)"
            R"("detail":"The connection is \"gone\"."})");
  EXPECT_EQ(problem_body(429, "slow_client", ""),
            R"({"type":"about:blank","title":"Too Many Requests","status":429,)"
            R"("code":"slow_client"})");
  EXPECT_EQ(kProblemContentType, "application/problem+json");
}

}  // namespace
}  // namespace sockhook::webhook
