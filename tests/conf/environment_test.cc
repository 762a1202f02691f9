#include "conf/reader/environment.h"

#include <gtest/gtest.h>

#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

std::string put_in(std::string_view text) {
  const Environment environment =
      environment_of({{"NAME", "value"}, {"_A1", "x"}, {"EMPTY", ""}, {"NESTED", "${NAME}"}});
  const auto result = substitute(text, environment);
  return result ? *result : "missing: " + result.error();
}

TEST(EnvironmentInValues, PutsVariablesIn) {
  EXPECT_EQ(put_in("${NAME}"), "value");
  EXPECT_EQ(put_in("a ${NAME}/${_A1} b"), "a value/x b");
  EXPECT_EQ(put_in("${EMPTY}"), "");
}

TEST(EnvironmentInValues, UsesTheDefaultForAnUnsetOrEmptyVariable) {
  EXPECT_EQ(put_in("${UNSET:-default}"), "default");
  EXPECT_EQ(put_in("${EMPTY:-default}"), "default");
  EXPECT_EQ(put_in("${NAME:-default}"), "value");
  EXPECT_EQ(put_in("${UNSET:-}"), "");
  EXPECT_EQ(put_in("${UNSET:-http://a:1/b}"), "http://a:1/b");
}

TEST(EnvironmentInValues, NamesAVariableThatIsUnsetAndHasNoDefault) {
  EXPECT_EQ(put_in("a ${UNSET} b"), "missing: UNSET");
}

TEST(EnvironmentInValues, WritesALiteralForADoubledDollar) {
  EXPECT_EQ(put_in("$${NAME}"), "${NAME}");
  EXPECT_EQ(put_in("$${NAME} ${NAME}"), "${NAME} value");
  EXPECT_EQ(put_in("$$${NAME}"), "$${NAME}");
}

TEST(EnvironmentInValues, LeavesAnyOtherDollarAsItIs) {
  for (const char* text :
       {"${request.body.action}", "${name}", "${Name}", "${1A}", "${NAME-x}", "${NAME:x}", "${NAME",
        "${NAME:-x", "${}", "${", "$", "$NAME", "$request.body.action", "\\$default"}) {
    EXPECT_EQ(put_in(text), text);
  }
}

TEST(EnvironmentInValues, DoesNotLookAtWhatCameFromTheEnvironment) {
  EXPECT_EQ(put_in("${NESTED}"), "${NAME}");
}

TEST(EnvironmentInValues, IsTypedAfterwards) {
  EXPECT_EQ(*config_of(with_endpoint("node: {workers: \"${N}\"}\n"), {{"N", "3"}}).node.workers,
            3U);
  EXPECT_EQ(mistakes_of(with_endpoint("node: {workers: \"${N}\"}\n"), {{"N", "x"}}),
            std::vector<std::string>{"f:1:17: node.workers: \"x\" is no whole number; allowed: a "
                                     "whole number from 1 to 256"});
}

TEST(EnvironmentInValues, AddsNoStructure) {
  const Config config =
      config_of(with_endpoint("listen:\n  admin:\n    token: ${T}\n"), {{"T", "[a:b]"}});
  EXPECT_EQ(config.listen.admin.token, "[a:b]");
  EXPECT_EQ(mistakes_of("endpoints: ${E}\n", {{"E", "[{path: /x}]"}}),
            std::vector<std::string>{
                "f:1:12: endpoints: is a single value; allowed: a list of endpoints"});
}

TEST(EnvironmentInValues, CountsAnEmptyValueAsLeftOutUnlessItIsQuoted) {
  EXPECT_FALSE(config_of(with_endpoint("node:\n  id: ${ID:-}\n")).node.id);
  EXPECT_EQ(mistakes_of(with_endpoint("listen:\n  admin:\n    token: \"${T:-}\"\n")),
            std::vector<std::string>{
                "f:3:12: listen.admin.token: is empty; allowed: a text without line breaks"});
}

TEST(EnvironmentInValues, IsNotPutIntoKeys) {
  EXPECT_EQ(config_of("endpoints: [{path: /x, routes: {\"a${NAME}\": {path: /y, backend: a}}}]\n"
                      "backends: {a: {url: \"http://h\"}}\n",
                      {{"NAME", "value"}})
                .endpoints[0]
                .routes.by_key.count("a${NAME}"),
            1U);
}

TEST(EnvironmentInValues, AMissingVariableIsAMistakeWithItsPlace) {
  EXPECT_EQ(mistakes_of(with_endpoint("node:\n  id: gw-${POD}\n")),
            std::vector<std::string>{"f:2:7: node.id: the environment variable POD is not set; "
                                     "allowed: a variable that is set, or a default: "
                                     "${POD:-default}"});
}

}  // namespace
}  // namespace sockhook::conf
