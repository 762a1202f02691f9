#include "protocol/webhook/effects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sockhook::webhook {
namespace {

using testing::ElementsAre;

Effects of_message(const http::Headers& headers) {
  return parse_effects(headers, EffectsOf::kMessage);
}

TEST(Effects, AreNoneWithoutTheirHeaders) {
  EXPECT_TRUE(of_message({{"Content-Type", "text/plain"}, {"X-Sockhook-State", "no"}}).empty());
}

TEST(Effects, StateIsKeptByteForByte) {
  EXPECT_EQ(of_message({{"Sockhook-State", "a=1; \"b\" %20 \xFF\tz"}}).state,
            "a=1; \"b\" %20 \xFF\tz");
}

TEST(Effects, EmptyStateRemovesIt) {
  EXPECT_EQ(of_message({{"sockhook-state", ""}}).state, "");
  EXPECT_EQ(of_message({}).state, std::nullopt);
}

TEST(Effects, StateIsAtMost4KiB) {
  EXPECT_EQ(of_message({{"Sockhook-State", std::string(4096, 's')}}).state, std::string(4096, 's'));
  const Effects effects = of_message({{"Sockhook-State", std::string(4097, 's')}});
  EXPECT_EQ(effects.state, std::nullopt);
  EXPECT_EQ(effects.mistakes.size(), 1U);
}

TEST(Effects, UserIsNamedOnConnectOnly) {
  const http::Headers headers = {{"Sockhook-User", "J\xC3\xBCrgen 1"}};
  EXPECT_EQ(parse_effects(headers, EffectsOf::kConnect).user, "J\xC3\xBCrgen 1");
  const Effects effects = of_message(headers);
  EXPECT_EQ(effects.user, std::nullopt);
  EXPECT_THAT(effects.mistakes, ElementsAre(testing::HasSubstr("$connect only")));
}

TEST(Effects, GroupsAreSplitAtCommasTrimmedAndThenDecoded) {
  const Effects effects = of_message({{"Sockhook-Join", "g1, g2 ,,a%2Cb"},
                                      {"Sockhook-Leave", "old"},
                                      {"sockhook-join", "%C3%A4+%20x"}});
  EXPECT_THAT(effects.groups, ElementsAre(GroupChange{"g1", true}, GroupChange{"g2", true},
                                          GroupChange{"a,b", true}, GroupChange{"old", false},
                                          GroupChange{"\xC3\xA4+ x", true}));
  EXPECT_TRUE(effects.mistakes.empty());
}

TEST(Effects, CloseHasACodeAndMayHaveAReason) {
  EXPECT_EQ(of_message({{"Sockhook-Close", "4001 see you later"}}).close,
            (CloseEffect{4001, "see you later"}));
  EXPECT_EQ(of_message({{"Sockhook-Close", " 1000 "}}).close, (CloseEffect{1000, ""}));
  EXPECT_EQ(of_message({{"Sockhook-Close", "1000 " + std::string(123, 'r')}}).close,
            (CloseEffect{1000, std::string(123, 'r')}));
}

TEST(Effects, CloseCodesAreThoseThatMayBeSent) {
  for (const int code : {1000, 1003, 1007, 1014, 3000, 4999}) {
    EXPECT_TRUE(of_message({{"Sockhook-Close", std::to_string(code)}}).close) << code;
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536, 66536}) {
    EXPECT_FALSE(of_message({{"Sockhook-Close", std::to_string(code)}}).close) << code;
  }
}

TEST(Effects, ThatAreMalformedAreReportedAndIgnoredAndTheOthersApply) {
  const std::vector<http::Header> malformed = {
      {"Sockhook-State", "a\nb"},
      {"Sockhook-User", ""},
      {"Sockhook-User", std::string(129, 'u')},
      {"Sockhook-User", "\xFF"},
      {"Sockhook-Close", ""},
      {"Sockhook-Close", "bye"},
      {"Sockhook-Close", "-1000"},
      {"Sockhook-Close", "+1000"},
      {"Sockhook-Close", "1000bye"},
      {"Sockhook-Close", "1000 " + std::string(124, 'r')},
      {"Sockhook-Close", "1000 \xC3"},
      {"Sockhook-Join", "%zz"},
      {"Sockhook-Join", "a%00"},
      {"Sockhook-Leave", std::string(129, 'g')},
  };
  for (const http::Header& field : malformed) {
    http::Headers headers = {{"Sockhook-Join", "good"}};
    headers.add(field.name, field.value);
    const Effects effects = parse_effects(headers, EffectsOf::kConnect);
    EXPECT_EQ(effects.mistakes.size(), 1U) << field.name << ": " << field.value;
    EXPECT_THAT(effects.groups, ElementsAre(GroupChange{"good", true}));
    EXPECT_FALSE(effects.state || effects.user || effects.close);
  }
}

TEST(Effects, OneMalformedNameDoesNotSpoilItsList) {
  const Effects effects = of_message({{"Sockhook-Join", "a, %zz, b"}});
  EXPECT_THAT(effects.groups, ElementsAre(GroupChange{"a", true}, GroupChange{"b", true}));
  EXPECT_THAT(effects.mistakes, ElementsAre(R"(sockhook-join: "%zz" is no valid name)"));
}

TEST(Effects, ThatContradictThemselvesAreIgnored) {
  const Effects effects = of_message({{"Sockhook-State", "a"}, {"sockhook-state", "b"}});
  EXPECT_EQ(effects.state, std::nullopt);
  EXPECT_EQ(effects.mistakes.size(), 1U);
}

TEST(Effects, AreReportedInAFormFitForALog) {
  const Effects effects = of_message({{"Sockhook-Close", "\x01" + std::string(500, 'x')}});
  ASSERT_EQ(effects.mistakes.size(), 1U);
  EXPECT_LT(effects.mistakes[0].size(), 200U);
  EXPECT_EQ(effects.mistakes[0].find('\x01'), std::string::npos);
}

}  // namespace
}  // namespace sockhook::webhook
