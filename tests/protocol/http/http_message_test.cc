#include "protocol/http/http_message.h"

#include <gtest/gtest.h>

namespace sockhook::http {
namespace {

TEST(Headers, FindIgnoresCaseAndKeepsIt) {
  const Headers headers{{"Content-Type", "a"}, {"X-A", "1"}, {"x-a", "2"}};
  EXPECT_EQ(*headers.find("content-TYPE"), "a");
  EXPECT_EQ(headers.begin()->name, "Content-Type");
  EXPECT_EQ(headers.find("content"), nullptr);
  EXPECT_EQ(headers.find_all("X-a"), (std::vector<std::string_view>{"1", "2"}));
  EXPECT_EQ(headers.count("x-A"), 2u);
}

TEST(Headers, SetReplacesAllAtThePlaceOfTheFirst) {
  Headers headers{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}};
  headers.set("a", "9");
  EXPECT_EQ(headers, (Headers{{"A", "9"}, {"B", "2"}, {"C", "4"}}));
  headers.set("D", "5");
  EXPECT_EQ(headers.size(), 4u);
}

TEST(Headers, RemoveKeepsTheOrderOfTheRest) {
  Headers headers{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}};
  EXPECT_EQ(headers.remove("A"), 2u);
  EXPECT_EQ(headers, (Headers{{"B", "2"}, {"C", "4"}}));
  EXPECT_EQ(headers.remove("A"), 0u);
}

TEST(Headers, ClearedHeadersAreEmptyAndFillAgain) {
  Headers headers{{"A", "1"}, {"B", "2"}};
  headers.clear();
  EXPECT_TRUE(headers.empty());
  EXPECT_EQ(headers.find("A"), nullptr);
  headers.add("C", "3");
  EXPECT_EQ(headers, (Headers{{"C", "3"}}));
}

TEST(Headers, CopiesAndMovesCarryJustTheFields) {
  Headers headers{{"A", "1"}, {"B", "2"}};
  headers.remove("B");
  const Headers copy = headers;
  Headers moved = std::move(headers);
  EXPECT_EQ(copy, moved);
  EXPECT_TRUE(headers.empty());  // NOLINT(bugprone-use-after-move): promised
  headers.add("C", "3");
  moved = std::move(headers);
  EXPECT_EQ(moved, (Headers{{"C", "3"}}));
  EXPECT_TRUE(headers.empty());  // NOLINT(bugprone-use-after-move): promised
}

TEST(Headers, TokensAreFoundInListsOverSeveralFields) {
  const Headers headers{{"Connection", "keep-alive ,, Upgrade"}, {"connection", "X"}};
  EXPECT_TRUE(headers.has_token("Connection", "upgrade"));
  EXPECT_TRUE(headers.has_token("Connection", "x"));
  EXPECT_FALSE(headers.has_token("Connection", "up"));
  EXPECT_FALSE(headers.has_token("Connection", ""));
}

TEST(Words, ListElementsAreTrimmedAndEmptyOnesSkipped) {
  std::string_view list = " a ,,\tb c , ";
  EXPECT_EQ(next_list_element(list), "a");
  EXPECT_EQ(next_list_element(list), "b c");
  EXPECT_EQ(next_list_element(list), std::nullopt);
}

TEST(Words, StatusesHaveTheirRegisteredPhrases) {
  EXPECT_STREQ(reason_phrase(429), "Too Many Requests");
  EXPECT_STREQ(reason_phrase(100), "Continue");
  EXPECT_STREQ(reason_phrase(511), "Network Authentication Required");
  EXPECT_STREQ(reason_phrase(299), "");
  EXPECT_STREQ(reason_phrase(999), "");
}

}  // namespace
}  // namespace sockhook::http
