#include "protocol/http/target.h"

#include <gtest/gtest.h>

#include "protocol/http/percent.h"

namespace sockhook::http {
namespace {

using namespace std::string_literals;

TEST(Percent, StrictDecodingRefusesMalformedEscapes) {
  EXPECT_EQ(percent_decode("a%2Fb%c3%A4+"), "a/b\xc3\xa4+");
  EXPECT_EQ(percent_decode(""), "");
  for (const char* const bad : {"%", "%2", "a%", "%zz", "%2g", "%%41"}) {
    EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
  }
}

TEST(Percent, LenientDecodingKeepsMalformedEscapes) {
  EXPECT_EQ(percent_decode_leniently("%41%zz%4"), "A%zz%4");
}

TEST(Percent, PlusIsASpaceInAQuery) { EXPECT_EQ(decode_query_component("a+b%2B"), "a b+"); }

TEST(Percent, EverythingButUnreservedCharactersIsEncoded) {
  EXPECT_EQ(percent_encode("aZ0-._~ /%\xc3\xa4"), "aZ0-._~%20%2F%25%C3%A4");
}

TEST(Percent, CloudEventsEncodeSpaceQuotePercentAndAllOutsidePrintableAscii) {
  EXPECT_EQ(cloudevents_value("Euro \xe2\x82\xac \xf0\x9f\x98\x80"),
            "Euro%20%E2%82%AC%20%F0%9F%98%80");
  EXPECT_EQ(cloudevents_value("a\"b%c\x7f\x01\r\n"), "a%22b%25c%7F%01%0D%0A");
  EXPECT_EQ(cloudevents_value("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
            "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~");
}

TEST(Target, SplitsAtTheFirstQuestionMark) {
  const Target target = split_target("/a?b?c");
  EXPECT_EQ(target.path, "/a");
  EXPECT_EQ(target.query, "b?c");
  EXPECT_TRUE(target.has_query);
  EXPECT_FALSE(split_target("/a").has_query);
  EXPECT_TRUE(split_target("/a?").has_query);
}

TEST(Target, PlainPathsAreDecoded) {
  EXPECT_EQ(plain_path("/"), "/");
  EXPECT_EQ(plain_path("/room/"), "/room/");
  EXPECT_EQ(plain_path("/r%6Fom/%C3%A4%20b"), "/room/\xc3\xa4 b");
  EXPECT_EQ(plain_path("/a..b/.c/..."), "/a..b/.c/...");
}

TEST(Target, AmbiguousPathsAreRefused) {
  for (const char* const bad :
       {"",        "a",      "*",      "//",      "//a",   "/a//b", "/a//",
        "/.",      "/..",    "/a/./b", "/a/../b", "/a/..", "/%2e",  "/%2E%2e/a",
        "/a/.%2e", "/a%2Fb", "/a%2fb", "/a%00",   "/a%",   "/a%4",  "/a%zz"}) {
    EXPECT_EQ(plain_path(bad), std::nullopt) << bad;
  }
}

TEST(Target, EverySpellingOfARouteHasItsComparisonForm) {
  for (const char* const spelling :
       {"/hooks/connect",        "/hooks/connect/",         "/Hooks/CONNECT",
        "//hooks///connect//",   "/./hooks/./connect",      "/x/../hooks/connect",
        "/../hooks/connect",     "/%68ooks/connec%74",      "/hooks%2Fconnect",
        "/hooks%252Fconnect",    "/%2568ooks/connect",      "/hooks\\connect",
        "/hooks%5cconnect",      "/hooks;a=b/connect;c",    "/x/..;/hooks/connect",
        "/hooks/connect%00.png", "/hooks/x/%2e%2e/connect", "/hooks/connect/.",
        "hooks/connect",         "/hooks/connect%2f"}) {
    EXPECT_EQ(comparison_path(spelling), "/hooks/connect") << spelling;
  }
}

TEST(Target, OtherPathsHaveOtherForms) {
  for (const char* const other :
       {"/hooks/connect2", "/hooks", "/", "/hooks/connect/x", "/hooksconnect", "/hooks/connect%"}) {
    EXPECT_NE(comparison_path(other), "/hooks/connect") << other;
  }
  EXPECT_EQ(comparison_path("/"), "/");
  EXPECT_EQ(comparison_path(""), "/");
  EXPECT_EQ(comparison_path("/.."), "/");
}

TEST(Target, PathsAreJoinedWithOneSlash) {
  EXPECT_EQ(join_paths("", "/a"), "/a");
  EXPECT_EQ(join_paths("/p", "/a"), "/p/a");
  EXPECT_EQ(join_paths("/p/", "/a"), "/p/a");
  EXPECT_EQ(join_paths("/p", "a"), "/p/a");
  EXPECT_EQ(join_paths("/", "/"), "/");
}

TEST(Query, ParametersAreWalkedInOrder) {
  QueryCursor cursor("a=1&&b&c=x=y&=z");
  std::string seen;
  while (const auto parameter = cursor.next()) {
    seen += std::string(parameter->name) + ":" + std::string(parameter->value) + ";";
  }
  EXPECT_EQ(seen, "a:1;b:;c:x=y;:z;");
}

TEST(Query, AParameterIsFoundByItsDecodedName) {
  EXPECT_EQ(query_parameter("x=1&re%61son=going+away%21", "reason"), "going away!");
  EXPECT_EQ(query_parameter("x=1", "reason"), std::nullopt);
  EXPECT_EQ(query_parameter("reason=%", "reason"), std::nullopt);
}

}  // namespace
}  // namespace sockhook::http
