// POST /v1/batch: lines in order, answers in order, whatever is in between.

#include "proxy/management/batch.h"

#include <sstream>

#include "protocol/websocket/frame_encoder.h"
#include "proxy/management/batch_line.h"
#include "tests/proxy/management/api_fixture.h"

namespace sockhook::management {
namespace {

using nlohmann::json;
using push::Delivery;
using push::PushOutcome;
using websocket::Opcode;

std::vector<json> lines_of(const Answer& answer) {
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/x-ndjson");
  std::vector<json> lines;
  std::istringstream text(answer.body);
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  return lines;
}

class BatchTest : public ApiFixture {
 protected:
  const std::string path = "/v1/connections/" + some_id() + "/messages";

  std::string send(const std::string& text, const std::string& more = "") const {
    return R"({"method":"POST","path":")" + path + R"(","text":")" + text + "\"" + more + "}\n";
  }
  // Starts a batch that is not answered at once.
  CallId start(std::string body) {
    EXPECT_FALSE(ask("POST", "/v1/batch", std::move(body)));
    return last_call;
  }
};

TEST_F(BatchTest, AnswersStandInTheOrderOfTheLinesNotOfTheOutcomes) {
  const CallId batch = start(send("a") + "{broken\n" + send("b") +
                             R"({"method":"DELETE","path":"/v1/users/u/connections"})");
  ASSERT_EQ(router.submitted.size(), 3U);
  router.answer(2, PushOutcome{});
  router.answer(1, outcome_of(Delivery::kHeld));
  EXPECT_TRUE(answers.empty());
  router.answer(0, outcome_of(Delivery::kGone));
  const auto lines = lines_of(answers.at(batch));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].at("status"), 410);
  EXPECT_EQ(lines[0].at("body").at("code"), "gone");
  EXPECT_EQ(lines[1].at("status"), 400);
  EXPECT_EQ(lines[2], json::parse(R"({"status":202,"body":{"held":true}})"));
  EXPECT_EQ(lines[3], json::parse(R"({"status":204,"body":null})"));
}

TEST_F(BatchTest, LinesAreSubmittedInOrderWithoutWaitingForOutcomes) {
  std::string body;
  for (int i = 0; i < 1000; ++i) body += send(std::to_string(i));
  start(body);
  ASSERT_EQ(router.submitted.size(), 1000U);
  for (std::size_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(*std::get<push::Send>(router.submitted[i].command.action).frame,
              *websocket::encode_frame(Opcode::kText, std::to_string(i)));
  }
}

TEST_F(BatchTest, OnlyAWindowOfLinesIsUnderWayAndItMovesOn) {
  std::string body;
  for (std::size_t i = 0; i < 3 * Batch::kWindow; ++i) body += send("x");
  const CallId batch = start(body);
  EXPECT_EQ(router.submitted.size(), Batch::kWindow);
  router.answer(5, PushOutcome{});
  EXPECT_EQ(router.submitted.size(), Batch::kWindow + 1);
  for (std::size_t i = 0; i < 3 * Batch::kWindow; ++i) {
    if (i != 5) router.answer(i, PushOutcome{});
  }
  EXPECT_EQ(lines_of(answers.at(batch)).size(), 3 * Batch::kWindow);
}

TEST_F(BatchTest, TextBase64AndExclude) {
  start(R"({"method":"POST","path":"/v1/groups/g/messages","base64":"AP8=","exclude":[")" +
        some_id() + R"(","a.b"],"unknown":null})" + "\r\n");
  const auto& sent = router.last<push::Send>();
  EXPECT_EQ(*sent.frame, *websocket::encode_frame(Opcode::kBinary, std::string("\0\xff", 2)));
  EXPECT_EQ(sent.excluded->size(), 1U);
}

TEST_F(BatchTest, ExcludeOfALineTakesAThousandIds) {
  const auto line = [](int count) {
    json ids = json::array();
    for (int i = 0; i < count; ++i) ids.push_back(some_id());
    return json{{"method", "POST"}, {"path", "/v1/messages"}, {"exclude", ids}}.dump() + "\n";
  };
  const CallId batch = start(line(1001) + line(1000));
  router.answer(0, PushOutcome{});
  const auto lines = lines_of(answers.at(batch));
  EXPECT_EQ(lines[0].at("status"), 400);
  EXPECT_EQ(lines[1].at("status"), 200);
}

TEST_F(BatchTest, BrokenLinesAre400Lines) {
  const std::string good = R"("method":"POST","path":")" + path + "\"";
  std::string body;
  for (const std::string& line :
       {std::string("[]"),
        std::string("\"x\""),
        std::string("5"),
        std::string(""),
        std::string("{}"),
        std::string("null"),
        std::string("[[[[[[[["),
        std::string(R"({"method":"POST"})"),
        "{" + good + R"(,"text":5})",
        "{" + good + R"(,"text":"a","base64":"AA=="})",
        "{" + good + R"(,"base64":"%%%"})",
        "{" + good + R"(,"exclude":"x"})",
        "{" + good + R"(,"exclude":[1]})",
        "{" + good + R"(,"exclude":[["x"]]})",
        "{" + good + R"(,"other":{"a":1}})",
        "{" + good + R"(,"text":"\ud800"})",
        "{" + good + ",\"text\":\"\xff\"}",
        "{" + good + "} {}",
        "{" + good + R"(,"idempotencyKey":""})",
        std::string(R"({"method":"POST","path":"/v1/batch"})"),
        std::string(R"({"method":"GET","path":"/v1/openapi.json"})"),
        std::string(R"({"method":"POST","path":"/@connections/A"})"),
        std::string(R"({"method":"GET","path":"v1/groups/g"})"),
        std::string(R"({"method":"GET","path":"/v1/connections?limit=0"})")}) {
    body += line + "\n";
  }
  const auto lines = lines_of(*ask("POST", "/v1/batch", body));
  ASSERT_EQ(lines.size(), 24U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].at("status"), 400) << i;
    EXPECT_EQ(lines[i].at("body").at("status"), 400) << i;
  }
}

TEST_F(BatchTest, UnknownPathsAndMethodsHaveTheirOwnStatus) {
  const auto lines = lines_of(*ask("POST", "/v1/batch",
                                   R"({"method":"GET","path":"/nowhere"})"
                                   "\n"
                                   R"({"method":"GET","path":"/v1/messages"})"));
  EXPECT_EQ(lines[0].at("status"), 404);
  EXPECT_EQ(lines[1].at("status"), 405);
}

TEST_F(BatchTest, AnEmptyBatchIsAnEmptyAnswer) { EXPECT_EQ(ask("POST", "/v1/batch")->body, ""); }

TEST_F(BatchTest, TooManyLinesAre413AndNothingIsDone) {
  const std::string body(Batch::kMaxLines + 1, '\n');
  EXPECT_EQ(code_of(*ask("POST", "/v1/batch", body)), "too_large");
}

TEST_F(BatchTest, ARepeatedKeyInOneBatchSendsOnceAndBothLinesAreAnswered) {
  const std::string key = R"(,"idempotencyKey":"k")";
  const CallId batch = start(send("x", key) + send("x", key) + send("y", key));
  ASSERT_EQ(router.submitted.size(), 1U);
  router.answer(0, PushOutcome{});
  const auto lines = lines_of(answers.at(batch));
  EXPECT_EQ(lines[0].at("status"), 200);
  EXPECT_EQ(lines[1].at("status"), 200);
  EXPECT_EQ(lines[2].at("status"), 422);
}

TEST_F(BatchTest, ALineThatWaitsForItsKeyHoldsUpWhatFollowsSoThatTheOrderStays) {
  const http::Headers key = {{"Idempotency-Key", "k"}};
  ask("POST", path, "x", key);
  const CallId batch = start(send("x", R"(,"idempotencyKey":"k")") + send("next"));
  ASSERT_EQ(router.submitted.size(), 1U) << "the second line must not overtake the first";
  router.fail(0, push::RouteFailure::kOverloaded);  // so the batch's line runs itself
  ASSERT_EQ(router.submitted.size(), 3U);
  EXPECT_EQ(*std::get<push::Send>(router.submitted[1].command.action).frame,
            *websocket::encode_frame(Opcode::kText, "x"));
  router.answer(1, PushOutcome{});
  router.answer(2, PushOutcome{});
  EXPECT_EQ(lines_of(answers.at(batch)).size(), 2U);
}

TEST_F(BatchTest, ListingsAreUnderWayOneAtATime) {
  const std::string list = R"({"method":"GET","path":"/v1/connections"})"
                           "\n";
  const CallId batch = start(list + list + send("x"));
  EXPECT_EQ(router.submitted.size(), 1U);
  router.answer(0, PushOutcome{});
  EXPECT_EQ(router.submitted.size(), 2U);
  router.answer(1, PushOutcome{});
  router.answer(2, PushOutcome{});
  EXPECT_EQ(lines_of(answers.at(batch)).size(), 3U);
}

conf::Config small_bodies() {
  conf::Config config;
  config.listen.management.body_size = 1024;
  return config;
}

class SmallBatchTest : public BatchTest {
 protected:
  SmallBatchTest() : BatchTest() {}
  ManagementApi small_api{config_with_small_bodies, router, backplane, metrics};
  static inline const conf::Config config_with_small_bodies = small_bodies();
};

TEST_F(SmallBatchTest, AListingThatDoesNotFitTheAnswerIs413InItsLine) {
  http::RequestHead head;
  head.method = "POST";
  head.target = "/v1/batch";
  const std::string body = R"({"method":"GET","path":"/v1/users/u"})"
                           "\n"
                           R"({"method":"GET","path":"/v1/groups/g"})";
  const Started started = small_api.handle(head, body, false, this);
  ASSERT_FALSE(started.answer);
  PushOutcome outcome;
  outcome.connection_ids.assign(100, std::string(31, 'A'));
  router.answer(0, outcome);
  router.answer(1, PushOutcome{});
  const auto lines = lines_of(answers.at(started.call));
  EXPECT_EQ(lines[0].at("status"), 413);
  EXPECT_EQ(lines[1].at("status"), 200);
}

TEST_F(BatchTest, WhoeverHasGoneIsNotAnsweredButAllLinesAreStillSubmitted) {
  std::string body;
  for (std::size_t i = 0; i < Batch::kWindow + 1; ++i) body += send("x");
  const CallId batch = start(body);
  api.forget(batch);
  for (std::size_t i = 0; i < Batch::kWindow + 1; ++i) router.answer(i, PushOutcome{});
  EXPECT_EQ(router.submitted.size(), Batch::kWindow + 1);
  EXPECT_TRUE(answers.empty());
}

}  // namespace
}  // namespace sockhook::management
