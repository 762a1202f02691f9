#include "protocol/webhook/batch_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sockhook::webhook {
namespace {

using testing::HasSubstr;

HttpAnswer ok(std::string body) {
  return {.status = 200, .headers = {}, .body = std::move(body), .is_body_lost = false};
}

BatchReader read(std::string body) {
  auto batch = BatchReader::read(ok(std::move(body)));
  EXPECT_TRUE(batch.has_value()) << batch.error();
  return std::move(*batch);
}

// Why none of the events has an answer.
std::string refused(HttpAnswer answer) {
  const auto batch = BatchReader::read(std::move(answer));
  return batch ? "it was read" : batch.error();
}

// Why the one event of an answer has none.
std::string wrong(const std::string& entry) {
  BatchReader batch = read("[" + entry + ", {\"id\": \"other\", \"status\": 204}]");
  EXPECT_TRUE(batch.take("other").has_value()) << "each entry stands alone";
  const auto taken = batch.take("a");
  return taken ? "it was read" : taken.error();
}

TEST(BatchReader, GivesEachEventItsOwnAnswer) {
  BatchReader batch = read(
      R"([{"id": "C-2", "status": 404},
          {"id": "C-1", "status": 200, "headers": {"Content-Type": "text/plain"}, "body": "h\u00e9"}
         ])");
  const auto first = batch.take("C-1");
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->status, 200);
  EXPECT_EQ(first->headers, http::Headers({{"Content-Type", "text/plain"}}));
  EXPECT_EQ(first->body, "h\xC3\xA9");
  EXPECT_FALSE(first->is_body_lost);
  const auto second = batch.take("C-2");
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->status, 404);
  EXPECT_TRUE(second->headers.empty());
  EXPECT_EQ(second->body, "");
  EXPECT_EQ(batch.left(), 0U);
}

TEST(BatchReader, TakesBytesAsBase64) {
  BatchReader batch = read(R"([{"id": "a", "status": 200, "body_base64": "AAH/"}])");
  EXPECT_EQ(batch.take("a")->body, std::string("\0\x01\xFF", 3));
}

TEST(BatchReader, TakesPlainValuesAndListsAsHeaders) {
  BatchReader batch = read(
      R"([{"id": "a", "status": 200, "headers":
          {"sockhook-join": ["a", "b"], "x-n": -1.50e3, "x-t": true, "x-f": false, "x-0": null,
           "x-e": [], "sockhook-\u0073tate": "\"é\""}}])");
  EXPECT_EQ(batch.take("a")->headers, http::Headers({{"sockhook-join", "a"},
                                                     {"sockhook-join", "b"},
                                                     {"x-n", "-1.50e3"},
                                                     {"x-t", "true"},
                                                     {"x-f", "false"},
                                                     {"sockhook-state", "\"\xC3\xA9\""}}));
}

TEST(BatchReader, NullIsAbsentAndOtherMembersMeanNothing) {
  BatchReader batch = read(
      R"([{"x": [{"y": 1e999}, "\ud800"], "status": 200, "body": null, "body_base64": null,
           "headers": null, "id": "a", "specversion": "1.0"}])");
  EXPECT_EQ(batch.take("a")->status, 200);
}

TEST(BatchReader, TheLastOfEqualMembersCounts) {
  BatchReader batch = read(
      R"([{"id": "x", "id": "a", "status": 500, "status": 200, "body": "x", "body": "y",
           "headers": {"a": "1"}, "headers": {"b": "2"}}])");
  const auto entry = batch.take("a");
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->status, 200);
  EXPECT_EQ(entry->body, "y");
  EXPECT_EQ(entry->headers, http::Headers({{"b", "2"}}));
}

TEST(BatchReader, WhatIsWrongWithAnEntryIsTheAffairOfItsEvent) {
  const std::string id = R"({"id": "a", )";
  EXPECT_EQ(wrong(R"({"id": "b", "status": 200})"), "the answer has no entry for it");
  EXPECT_EQ(wrong(R"({"id": "a"})"), "its entry has no status");
  EXPECT_EQ(wrong(id + R"("status": null})"), "its entry has no status");
  EXPECT_EQ(wrong(id + R"("status": "200"})"), "its entry has no status");
  EXPECT_EQ(wrong(id + R"("status": 200.5})"), "its entry has no status");
  EXPECT_EQ(wrong(id + R"("status": 99})"), "its entry has no status");
  EXPECT_EQ(wrong(id + R"("status": 4294967496})"), "its entry has no status");
  EXPECT_EQ(wrong(id + R"("status": -200})"), "its entry has no status");
  EXPECT_EQ(wrong(id + R"("status": 200, "body": {"x": 1}})"), "its entry's body is no string");
  EXPECT_EQ(wrong(id + R"("status": 200, "body": "\udc00"})"), "its entry's body is no text");
  EXPECT_EQ(wrong(id + R"("status": 200, "body": "", "body_base64": ""})"),
            "its entry has two bodies");
  EXPECT_EQ(wrong(id + R"("status": 200, "body_base64": "A"})"),
            "its entry's body_base64 is no base64");
  EXPECT_EQ(wrong(id + R"("status": 200, "headers": []})"), "its entry's headers is no object");
  EXPECT_EQ(wrong(id + R"("status": 200, "headers": {"a": {}}})"),
            "its entry's headers has a value that is neither plain nor an array");
  EXPECT_EQ(wrong(id + R"("status": 200, "headers": {"a": [[1]]}})"),
            "its entry's headers has a value that is neither plain nor an array");
  EXPECT_EQ(wrong(id + R"("status": 200, "headers": {"a": "\ud800"}})"),
            "its entry's headers has a value that is no text");
  EXPECT_EQ(wrong(id + R"("status": 200, "headers": {"\ud800": "a"}})"),
            "its entry's headers has a name that is no text");
}

TEST(BatchReader, TwoAnswersToOneEventAreNone) {
  const std::string entry = R"({"id": "a", "status": 200})";
  EXPECT_EQ(wrong(entry + "," + entry), "the answer has more than one entry for it");
  EXPECT_EQ(wrong(entry + R"(,{"id": "a"})"), "the answer has more than one entry for it");
}

TEST(BatchReader, CountsEntriesThatNobodyTakes) {
  BatchReader batch = read(
      R"([1, null, [], {}, {"id": 7, "status": 200}, {"id": "a", "status": 200},
          {"id": "b", "status": 200}])");
  EXPECT_EQ(batch.left(), 7U);
  EXPECT_TRUE(batch.take("b").has_value());
  EXPECT_EQ(batch.left(), 6U);
  EXPECT_EQ(batch.take("b").error(), "the answer has no entry for it") << "once";
}

TEST(BatchReader, AnEmptyArrayAnswersNobody) {
  BatchReader batch = read(" [ ] ");
  EXPECT_EQ(batch.take("a").error(), "the answer has no entry for it");
}

TEST(BatchReader, WithoutAnArrayNoEventHasAnAnswer) {
  for (const char* text : {"",
                           "{}",
                           "null",
                           "[",
                           "[,]",
                           "[{]",
                           "[{\"id\"}]",
                           "[{\"id\": \"a\"},]",
                           "[] []",
                           "[]]",
                           "[{\"id\": \"a\" \"status\": 200}]",
                           "[{\"status\": 01}]",
                           "[{\"status\": -}]",
                           "[{\"headers\": {\"a\": }}]",
                           "[{\"headers\": {\"a\": [1,]}}]",
                           "[{\"body\": tru}]",
                           "[{\"body\": \"\\x\"}]",
                           "[nul]",
                           "[\"\xFF\"]",
                           "[{\"x\": [1 2]}]",
                           "[{,}]",
                           "{\"id\": \"a\", \"status\": 200}"}) {
    EXPECT_EQ(refused(ok(text)), "the answer is no JSON array") << text;
  }
  EXPECT_EQ(refused(ok("[" + std::string(100'000, '['))), "the answer is no JSON array");
}

TEST(BatchReader, AFailedRequestHasNoAnswers) {
  const std::string body = R"([{"id": "a", "status": 200}])";
  for (const int status : {101, 304, 400, 429, 500, 503}) {
    HttpAnswer answer = ok(body);
    answer.status = status;
    EXPECT_EQ(refused(std::move(answer)),
              "the batch was answered with status " + std::to_string(status));
  }
  HttpAnswer lost = ok(body);
  lost.is_body_lost = true;
  EXPECT_THAT(refused(std::move(lost)), HasSubstr("too large or incomplete"));
  HttpAnswer encoded = ok(body);
  encoded.headers.add("Content-Encoding", "gzip");
  EXPECT_THAT(refused(std::move(encoded)), HasSubstr("Content-Encoding"));
}

TEST(BatchReader, AnAnswerThatIsCutAnywhereIsNone) {
  const std::string whole =
      R"([{"id": "a", "status": 200, "headers": {"x": ["1", 2, true]}, "body": "\u00e9\n"}])";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(refused(ok(whole.substr(0, length))), "the answer is no JSON array") << length;
  }
  EXPECT_TRUE(read(whole).take("a").has_value());
}

}  // namespace
}  // namespace sockhook::webhook
