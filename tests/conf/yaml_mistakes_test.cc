// What is wrong with a file as YAML, or common to all keys: each mistake with its exact text.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conf/reader/yaml_tree.h"
#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

using ::testing::ElementsAre;

TEST(YamlMistakes, AnEmptyFile) {
  for (const char* text : {"", "# only a comment\n", "---\n", "\n\n", "~\n"}) {
    EXPECT_THAT(mistakes_of(text),
                ElementsAre("f:1:1: the file is empty; allowed: a map with endpoints or "
                            "passthrough"))
        << text;
  }
}

TEST(YamlMistakes, AFileThatIsNoMap) {
  EXPECT_THAT(mistakes_of("- a\n"), ElementsAre("f:1:1: is a list; allowed: a map of keys"));
  EXPECT_THAT(mistakes_of("just text\n"),
              ElementsAre("f:1:1: is a single value; allowed: a map of keys"));
}

TEST(YamlMistakes, AFileThatServesNothing) {
  EXPECT_THAT(mistakes_of("node: {}\n"),
              ElementsAre("f:1:1: there is nothing to serve; allowed: at least one endpoint, or "
                          "passthrough"));
  EXPECT_THAT(mistakes_of("node: {}\nendpoints: []\n"),
              ElementsAre("f:2:12: endpoints: is empty; allowed: at least one endpoint, or "
                          "passthrough"));
}

TEST(YamlMistakes, ASecondDocument) {
  constexpr const char* kText =
      "a second document begins here, or the indentation is wrong; allowed: one document in a "
      "file";
  EXPECT_THAT(mistakes_of("node: {}\n---\nnode: {}\n"),
              ElementsAre(std::string("f:2:1: ") + kText));
  EXPECT_THAT(mistakes_of("node: {}\n---\n"), ElementsAre(std::string("f:2:1: ") + kText));
  EXPECT_THAT(mistakes_of("node: {}\n...\nnode: {}\n"),
              ElementsAre(std::string("f:3:1: ") + kText));
  EXPECT_THAT(mistakes_of("{node: {}} x\n"), ElementsAre(std::string("f:1:12: ") + kText));
}

TEST(YamlMistakes, OneDocumentWithMarkersIsFine) {
  EXPECT_THAT(mistakes_of("---\nendpoints: [{path: /x}]\n...\n"), ElementsAre());
  EXPECT_THAT(mistakes_of("\xEF\xBB\xBF"
                          "endpoints: [{path: /x}]\r\n"),
              ElementsAre());
}

TEST(YamlMistakes, AnchorsAliasesAndMergeKeys) {
  EXPECT_THAT(mistakes_of("endpoints:\n"
                          "  - &first\n"
                          "    path: /x\n"
                          "  - <<: *first\n"
                          "    path: /y\n"
                          "    name: *first\n"),
              ElementsAre("f:2:5: endpoints[0]: an anchor (&); allowed: the value itself, written "
                          "out in each place",
                          "f:4:5: endpoints[1].<<: a merge key; allowed: the keys themselves, "
                          "written out in each place",
                          "f:4:9: endpoints[1].<<: an alias (*); allowed: the value itself, "
                          "written out in each place",
                          "f:6:11: endpoints[1].name: an alias (*); allowed: the value itself, "
                          "written out in each place"));
  EXPECT_THAT(mistakes_of(with_endpoint("&a node: {}\n")),
              ElementsAre("f:1:1: node: an anchor (&); allowed: the key itself"));
}

TEST(YamlMistakes, NothingIsMissingBelowAnAlias) {
  EXPECT_THAT(mistakes_of("endpoints:\n  - &x\n    path: /x\n  - *x\n"),
              ElementsAre("f:2:5: endpoints[0]: an anchor (&); allowed: the value itself, written "
                          "out in each place",
                          "f:4:5: endpoints[1]: an alias (*); allowed: the value itself, written "
                          "out in each place"));
}

TEST(YamlMistakes, AnAliasThatRefersToItself) {
  EXPECT_THAT(mistakes_of(with_endpoint("node: &a {id: *a}\n")),
              ElementsAre("f:1:7: node: an anchor (&); allowed: the value itself, written out in "
                          "each place",
                          "f:1:15: node.id: an alias (*); allowed: the value itself, written out "
                          "in each place"));
}

TEST(YamlMistakes, ATextThatYamlTakesForAnAlias) {
  EXPECT_THAT(mistakes_of("endpoints:\n  - path: /x\n    origins:\n      - *.example.com\n"),
              ElementsAre("f:4:9: no valid YAML: aliases are not allowed; quote a text that begins "
                          "with \"*\""));
  EXPECT_THAT(mistakes_of("endpoints: [{path: /x, origins: [*]}]\n"),
              ElementsAre("f:1:35: no valid YAML: aliases are not allowed; quote a text that "
                          "begins with \"*\""));
}

TEST(YamlMistakes, Tags) {
  EXPECT_THAT(mistakes_of(with_endpoint("node: {id: !!str 5, workers: !x 1}\n")),
              ElementsAre("f:1:12: node.id: a tag (!); allowed: a value without a tag",
                          "f:1:30: node.workers: a tag (!); allowed: a value without a tag"));
}

TEST(YamlMistakes, DuplicateKeysOnEveryLevel) {
  EXPECT_THAT(mistakes_of("node: {id: a, id: b}\n"
                          "endpoints: [{path: /x}]\n"
                          "node: {}\n"),
              ElementsAre("f:1:15: node.id: duplicate key, first in line 1; allowed: each key once",
                          "f:3:1: node: duplicate key, first in line 1; allowed: each key once"));
}

TEST(YamlMistakes, DuplicateNames) {
  EXPECT_THAT(mistakes_of(with_endpoint("backends:\n"
                                        "  app: {url: \"http://a\"}\n"
                                        "  app: {url: \"http://b\"}\n")),
              ElementsAre("f:3:3: backends.app: duplicate key, first in line 2; allowed: each key "
                          "once"));
}

TEST(YamlMistakes, KeysThatAreNoTexts) {
  EXPECT_THAT(mistakes_of(with_endpoint("[a, b]: 1\nnull: 2\n")),
              ElementsAre("f:1:1: a key that is no text; allowed: a text",
                          "f:2:1: the key null without quotes; allowed: \"null\""));
}

TEST(YamlMistakes, UnknownKeysWithTheNearestOne) {
  EXPECT_THAT(
      mistakes_of(with_endpoint("nodes: {}\ndrain: {dely: 1s, xyz: 1}\n")),
      ElementsAre("f:1:1: nodes: unknown key (did you mean \"node\"?); allowed: node, listen, "
                  "backends, endpoints, lambda, passthrough, management, signing, backplane, "
                  "drain, ready, log, tracing",
                  "f:2:9: drain.dely: unknown key (did you mean \"delay\"?); allowed: delay, "
                  "period",
                  "f:2:19: drain.xyz: unknown key; allowed: delay, period"));
}

TEST(YamlMistakes, UnknownKeysThatBelongElsewhere) {
  EXPECT_THAT(mistakes_of(with_endpoint("drain: {idle_timeout: 1s}\n")),
              ElementsAre("f:1:9: drain.idle_timeout: unknown key (did you mean "
                          "\"endpoints[].limits.idle_timeout\"?); allowed: delay, period"));
}

TEST(YamlMistakes, UnknownKeysWithStrangeNames) {
  EXPECT_THAT(mistakes_of(with_endpoint("drain: {\"a.b\": 1, \"x\\ny\": 2, \"\": 3}\n")),
              ElementsAre("f:1:9: drain.\"a.b\": unknown key; allowed: delay, period",
                          "f:1:19: drain.\"x\\x0Ay\": unknown key; allowed: delay, period",
                          "f:1:30: drain.\"\": unknown key; allowed: delay, period"));
}

TEST(YamlMistakes, WrongKindsOfValues) {
  EXPECT_THAT(
      mistakes_of("node: 1\nlisten: []\nbackends: [a]\nendpoints: {a: 1}\n"
                  "drain: {delay: [1], period: {a: 1}}\n"),
      ElementsAre("f:1:7: node: is a single value; allowed: a map of keys",
                  "f:2:9: listen: is a list; allowed: a map of keys",
                  "f:3:11: backends: is a list; allowed: a map of named backends",
                  "f:4:12: endpoints: is a map; allowed: a list of endpoints",
                  "f:5:16: drain.delay: is a list; allowed: a duration from 0ms to 1h, written "
                  "like 250ms, 29s, 10m or 2h",
                  "f:5:29: drain.period: is a map; allowed: a duration from 0ms to 24h, written "
                  "like 250ms, 29s, 10m or 2h"));
}

TEST(YamlMistakes, SyntaxErrorsWithLineAndColumn) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"node:\n  id: a: b\n",
       "f:2:8: no valid YAML: a \":\" is not allowed here: check the indentation, and quote a "
       "value that contains \": \""},
      {"node:\n\tid: a\n",
       "f:2:4: no valid YAML: a \":\" is not allowed here: check the indentation, and quote a "
       "value that contains \": \""},
      {"node: {id: a\nlog: {}\n", "f:2:4: no valid YAML: a \"}\" or \",\" is missing"},
      {"a: [1, 2\nb: 3\n", "f:2:2: no valid YAML: a \"]\" or \",\" is missing"},
      {"a: [b]]\n", "f:1:7: no valid YAML: a \"]\" or \"}\" without its beginning"},
      {"a: @b\n", "f:1:4: no valid YAML: a plain text cannot begin with this character: quote it"},
      {"a: \"\\q\"\n",
       "f:1:7: no valid YAML: a \"\\\" in double quotes is followed by no escape: write \"\\\\\""},
      {"log: {level: ${LEVEL}}\n",
       "f:1:15: no valid YAML: quote a text with \"${...}\" inside of [ ] or { }"},
      {"a: {path: /b?c=d}\n",
       "f:1:13: no valid YAML: quote a text with a \"?\" inside of [ ] or { }"},
      {"a: 'x\n", "f:1:4: a quote that is never closed"},
      {"a: \"x\\\"\n", "f:1:4: a quote that is never closed"},
      {"node:\n  id: a\n  workers\n", "f:3:3: a key without a \":\"; allowed: \"key: value\""},
  };
  for (const auto& [text, mistake] : cases) {
    EXPECT_THAT(mistakes_of(text), ElementsAre(mistake)) << text;
  }
}

TEST(YamlMistakes, QuotesThatAreClosedAreFine) {
  EXPECT_EQ(config_of(with_endpoint("listen: {admin: {token: 'it''s'}}\n")).listen.admin.token,
            "it's");
  EXPECT_EQ(config_of(with_endpoint("listen: {admin: {token: \"a\\\"b\"}}\n")).listen.admin.token,
            "a\"b");
}

TEST(YamlMistakes, BytesThatAreNoText) {
  EXPECT_THAT(mistakes_of("node: {}\nlog: \xFF\n"), ElementsAre("f:2:6: no valid UTF-8"));
  EXPECT_THAT(mistakes_of("node: {id: \xC3"), ElementsAre("f:1:13: no valid UTF-8"));
  // yaml-cpp takes 0x04 for the end of the file and would drop the rest silently.
  EXPECT_THAT(mistakes_of("node: {}\n\x04\nlog: {}\n"),
              ElementsAre("f:2:1: a control character; allowed: text, with \"\\xNN\" in double "
                          "quotes for others"));
  EXPECT_THAT(mistakes_of(std::string_view("a: \0\n", 5)),
              ElementsAre("f:1:4: a control character; allowed: text, with \"\\xNN\" in double "
                          "quotes for others"));
}

TEST(YamlMistakes, ColumnsCountCharacters) {
  EXPECT_THAT(mistakes_of(with_endpoint("node: {id: \"\xC3\xA9\xC3\xA9\", workers: 0}\n")),
              ElementsAre("f:1:12: node.id: \"\xC3\xA9\xC3\xA9\" is no name; allowed: 1 to 63 of "
                          "A-Z a-z 0-9 . _ -",
                          "f:1:27: node.workers: \"0\" is out of range; allowed: a whole number "
                          "from 1 to 256"));
}

TEST(YamlMistakes, TooMuch) {
  EXPECT_THAT(mistakes_of(std::string(yaml::kMaxBytes + 1, ' ')),
              ElementsAre("f:1:1: the file is too large; allowed: 4MiB"));
  std::string deep = "a: ";
  deep += std::string(100, '[') + std::string(100, ']');
  EXPECT_THAT(mistakes_of(deep), ElementsAre("f:1:35: nested too deeply; allowed: 32 levels"));
}

TEST(YamlMistakes, AllOfARunInTheOrderOfTheFile) {
  EXPECT_THAT(mistakes_of("log: {level: loud}\n"
                          "endpoints:\n"
                          "  - path: chat\n"
                          "node: {workers: 017}\n"
                          "extra: 1\n"),
              ElementsAre("f:1:14: log.level: \"loud\" is unknown; allowed: debug, info, warn, "
                          "error",
                          "f:3:11: endpoints[0].path: \"chat\" does not begin with /; allowed: an "
                          "exact path such as /chat, or /room/* for everything below /room/",
                          "f:4:17: node.workers: \"017\" has a leading zero; allowed: a whole "
                          "number from 1 to 256",
                          "f:5:1: extra: unknown key; allowed: node, listen, backends, endpoints, "
                          "lambda, passthrough, management, signing, backplane, drain, ready, log, "
                          "tracing"));
}

// The parser's own words would end in the character: here in its mark of the end, 0x04.
TEST(YamlMistakes, AnEscapeThatIsNone) {
  EXPECT_THAT(mistakes_of("a: \"x\\"),
              ElementsAre("f:1:7: no valid YAML: a \"\\\" in double quotes is followed by no "
                          "escape: write \"\\\\\""));
}

// Each endpoint once had a mistake for every other one, and each place was counted from the
// beginning of its line: half a minute for these.
TEST(YamlMistakes, AFileOfManyOrAFileOfOneLineIsReadInTimeThatGrowsWithIt) {
  std::string many = "endpoints:\n";
  for (int i = 0; i < 20'000; ++i) many += "- path: /x\n";
  EXPECT_EQ(mistakes_of(many).size(), 19'999U);
  std::string line = "a: [";
  for (int i = 0; i < 200'000; ++i) line += "{}, ";
  EXPECT_EQ(mistakes_of(line + "]").size(), 2U);
}

}  // namespace
}  // namespace sockhook::conf
