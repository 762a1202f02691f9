#include "protocol/webhook/route_selector.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/protocol/webhook/selecting.h"

namespace sockhook::webhook {
namespace {

constexpr std::nullopt_t kDefault = std::nullopt;

TEST(RouteSelector, TakesStringsNumbersAndBooleansAsWritten) {
  struct Case {
    const char* text;
    const char* key;
  };
  for (const Case& c : std::initializer_list<Case>{
           {R"({"action":"sendMessage"})", "sendMessage"},
           {R"( { "x" : [1,{"action":"no"}] , "action" : "send" } )", "send"},
           {R"({"action":"a\u0062\/\"c\""})", "ab/\"c\""},
           {R"({"action":"\ud83d\ude00"})", "\xF0\x9F\x98\x80"},
           {R"({"action":" x "})", " x "},
           {R"({"action":true})", "true"},
           {R"({"action":false })", "false"},
           {R"({"action":42})", "42"},
           {R"({"action":1.0 })", "1.0"},
           {R"({"action":-0})", "-0"},
           {R"({"action":1E+3})", "1E+3"},
           {R"({"action":1e999})", "1e999"},
           {R"({"action":123456789012345678901234567890})", "123456789012345678901234567890"},
       }) {
    EXPECT_EQ(select("$request.body.action", c.text), (Selected{c.key, true})) << c.text;
  }
}

TEST(RouteSelector, DoesNotMatchObjectsArraysAndNull) {
  for (const char* text : {R"({"action":{"a":1}})", R"({"action":["a"]})", R"({"action":null})",
                           R"({"action":{}})", R"({"action":[]})"}) {
    EXPECT_EQ(select("$request.body.action", text), (Selected{kDefault, true})) << text;
    EXPECT_EQ(select("x-${request.body.action}", text), (Selected{kDefault, true})) << text;
  }
}

TEST(RouteSelector, FollowsNestedPaths) {
  const char* path = "$request.body.a.b";
  EXPECT_EQ(select(path, R"({"b":"no","a":{"x":{"b":"no"},"b":"yes","c":1},"z":{"b":0}})").key,
            "yes");
  EXPECT_EQ(select(path, R"({"a":"b"})").key, kDefault);
  EXPECT_EQ(select(path, R"({"a":[{"b":"x"}]})").key, kDefault) << "no path leads through arrays";
  EXPECT_EQ(select(path, R"([{"a":{"b":"x"}}])").key, kDefault);
  EXPECT_EQ(select(path, R"({"a.b":"x"})").key, kDefault);
}

TEST(RouteSelector, ComposesVariablesAndStaticText) {
  const char* chat = R"({"service":"chat","action":"join","n":7})";
  EXPECT_EQ(select("${request.body.service}/${request.body.action}", chat).key, "chat/join");
  EXPECT_EQ(select("v1-${request.body.action}-${request.body.n}!", chat).key, "v1-join-7!");
  EXPECT_EQ(select("${request.body.action}${request.body.action}", chat).key, "joinjoin");
  EXPECT_EQ(select("x\\$-${request.body.action}", chat).key, "x$-join");
  EXPECT_EQ(select("static", chat).key, "static");
}

TEST(RouteSelector, TakesAMissingPathAsEmptyText) {
  EXPECT_EQ(select("${request.body.action}-${request.body.nope}", R"({"action":"join"})").key,
            "join-");
  EXPECT_EQ(select("$request.body.action", R"({"x":1})"), (Selected{kDefault, true}));
  EXPECT_EQ(select("$request.body.action", R"({"action":""})"), (Selected{kDefault, true}));
}

TEST(RouteSelector, ComparesKeysAfterUnescaping) {
  EXPECT_EQ(select("$request.body.action", R"({"\u0061ction":"a"})").key, "a");
  EXPECT_EQ(select("$request.body.\xC3\xA4", R"({"\u00E4":"a"})").key, "a");
  EXPECT_EQ(select("$request.body.action", R"({"action\"":"a","action\\":"b"})").key, kDefault);
  EXPECT_EQ(select("$request.body.action", R"({"\\\"":1,"action":"a"})").key, "a");
}

TEST(RouteSelector, TakesTheLastOfEqualKeys) {
  EXPECT_EQ(select("$request.body.action", R"({"action":"a","action":"b"})").key, "b");
  EXPECT_EQ(select("$request.body.action", R"({"action":"a","\u0061ction":"b"})").key, "b");
  EXPECT_EQ(select("$request.body.action", R"({"action":"a","action":null})").key, kDefault);
  EXPECT_EQ(select("$request.body.a.b", R"({"a":{"b":"x"},"a":{"c":1}})").key, kDefault);
  EXPECT_EQ(select("$request.body.a.b", R"({"a":{"b":"x"},"a":1})").key, kDefault);
  EXPECT_EQ(select("$request.body.a.b", R"({"a":1,"a":{"b":"x"}})").key, "x");
}

TEST(RouteSelector, NeverAnswersAValueThatBeginsWithADollarSign) {
  for (const char* text :
       {R"({"action":"$connect"})", R"({"action":"$disconnect"})", R"({"action":"$default"})",
        R"({"action":"\u0024connect"})", R"({"action":"$x"})"}) {
    EXPECT_EQ(select("$request.body.action", text), (Selected{kDefault, true})) << text;
    EXPECT_EQ(select("${request.body.no}${request.body.action}", text).key, kDefault) << text;
  }
  EXPECT_EQ(select("\\$default", "{}").key, kDefault);
}

TEST(RouteSelector, EvaluatesInASinglePass) {
  EXPECT_EQ(select("x-${request.body.a}", R"({"a":"${request.body.b}","b":"no"})").key,
            "x-${request.body.b}");
}

TEST(RouteSelector, SendsTextThatIsNoJsonToDefault) {
  for (const char* text : {
           "",
           " ",
           "hello",
           "{",
           "}",
           "{\"action\":\"a\"",
           "{\"action\":\"a\"} x",
           "{\"action\":\"a\"}{}",
           "{\"action\":\"a\",}",
           "{\"action\" \"a\"}",
           "{action:\"a\"}",
           "{\"action\":\"a\" \"b\":1}",
           "{\"action\":\"a\",\"x\":[1,]}",
           "[{\"action\":\"a\"}",
           "{\"action\":\"a\",\"x\":01}",
           "{\"action\":\"a\",\"x\":1.}",
           "{\"action\":\"a\",\"x\":+1}",
           "{\"action\":\"a\",\"x\":tru}",
           "{\"action\":\"a\",\"x\":nul}",
           "{\"action\":\"a\",\"x\":nullx}",
           "{\"action\":\"a\",\"x\":NaN}",
           "{\"action\":\"a\",\"x\":\"\\q\"}",
           "{\"action\":\"a\",\"x\":\"\\u12G4\"}",
           "{\"action\":\"a\",\"x\":\"\n\"}",
           "{\"action\":\"a\",\"\\q\":1}",
           "{\"action\":\"a\",\"x\":\"}",
           "{'action':'a'}",
           "{\"action\":\"a\"} // c",
           "\xEF\xBB\xBF{\"action\":\"a\"}",
           "{\"action\":\"a\"]",
           "{\"action\":\"a\",\"x\":[}]",
       }) {
    EXPECT_EQ(select("$request.body.action", text), (Selected{kDefault, false})) << text;
  }
}

TEST(RouteSelector, SaysThatScalarsAndArraysAreJson) {
  for (const char* text : {"1", " -1.5e-3\n", "true", "null", "\"x\"", "\"\\u00e4\\\"\"", "[]",
                           "[1,[2,{}]]", "{}", "\"\""}) {
    EXPECT_EQ(select("$request.body.action", text), (Selected{kDefault, true})) << text;
  }
  for (const char* text : {"01", "1 2", "truex", "\"x", "\"a\"b\"", "\"\\\"", "-", "\"a\" \"b\""}) {
    EXPECT_EQ(select("$request.body.action", text), (Selected{kDefault, false})) << text;
  }
}

// What JSON.stringify makes of a text that was cut inside an emoji.
TEST(RouteSelector, AllowsLoneSurrogatesElsewhere) {
  EXPECT_EQ(select("$request.body.action", R"({"text":"\ud83d","\udead":1,"action":"a"})"),
            (Selected{"a", true}));
  for (const char* text : {R"({"action":"\ud83d","x":1})", R"({"action":"\ude00"})",
                           R"({"action":"\ud83dx"})", R"({"action":"\ud83d\ud83d"})"}) {
    EXPECT_EQ(select("$request.body.action", text), (Selected{kDefault, true})) << text;
  }
}

TEST(RouteSelector, SendsTextThatIsNestedTooDeeplyToDefault) {
  const auto nested = [](std::size_t depth) {
    return "{\"action\":\"a\",\"x\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') +
           "}";
  };
  EXPECT_EQ(select("$request.body.action", nested(RouteSelector::kMaxDepth)).key, "a");
  EXPECT_EQ(select("$request.body.action", nested(RouteSelector::kMaxDepth + 1)),
            (Selected{kDefault, false}));
  EXPECT_EQ(select("$request.body.action", nested(500'000)), (Selected{kDefault, false}));
  std::string objects = "\"x\"";
  for (std::size_t i = 0; i <= RouteSelector::kMaxDepth; ++i)
    objects.insert(0, "{\"a\":").append("}");
  EXPECT_EQ(select("$request.body.a", objects), (Selected{kDefault, false}));
}

TEST(RouteSelector, CanBeUsedWithOneParserForAllMessages) {
  MessageParser parser;
  const std::string large = R"({"x":")" + std::string(300'000, 'x') + R"(","action":"big"})";
  EXPECT_EQ(select("$request.body.action", large, parser).key, "big");
  EXPECT_EQ(select("$request.body.action", "{", parser).key, kDefault);
  EXPECT_EQ(select("$request.body.action", R"({"action":"a"})", parser).key, "a");
  EXPECT_EQ(select("${request.body.action}!", R"({"action":"b"})", parser).key, "b!");
}

}  // namespace
}  // namespace sockhook::webhook
