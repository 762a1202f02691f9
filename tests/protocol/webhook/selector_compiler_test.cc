#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/webhook/route_selector.h"

namespace sockhook::webhook {
namespace {

TEST(SelectionExpression, OfEveryFormIsAccepted) {
  for (const char* expression : {
           "$request.body.action",
           "${request.body.action}",
           "${request.body.a.b-c.d_e}",
           "$request.body.a.b",
           "$request.body.my-action",
           "${request.body.service}/${request.body.action}",
           "${request.body.a}${request.body.b}",
           "\\$x-${request.body.a}",
           "static",
           "\\$default",
           "a\\b{}",
           "$request.body.\xC3\xA4",
       }) {
    EXPECT_TRUE(RouteSelector::compile(expression)) << expression;
  }
}

TEST(SelectionExpression, ThatIsWrongIsExplainedWithItsPosition) {
  struct Case {
    const char* expression;
    std::size_t position;
    const char* what;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"", 0, "empty expression"},
           {"$", 0, "'$' beside other text"},
           {"x$request.body.a", 1, "${request.body.NAME}"},
           {"$request.body.a/$request.body.b", 0, "${request.body.NAME}"},
           {"a-${request.body.b}-$", 20, "dollar sign \\$"},
           {"$context.connectionId", 1, "allowed is request.body.NAME"},
           {"${request.headers.x}", 2, "allowed is request.body.NAME"},
           {"${request.body}", 2, "allowed is request.body.NAME"},
           {"$request.body", 1, "allowed is request.body.NAME"},
           {"${request.body.}", 15, "empty name"},
           {"x${request.body.a..b}", 18, "empty name"},
           {"$request.body.a.", 16, "empty name"},
           {"ab${request.body.a", 2, "without its '}'"},
           {"${request.body.a b}", 16, "a character that no path may have"},
           {"${request.body.items[0]}", 20, "a character that no path may have"},
           {"$request.body.a/b", 15, "a character that no path may have"},
       }) {
    const auto selector = RouteSelector::compile(c.expression);
    ASSERT_FALSE(selector) << c.expression;
    EXPECT_EQ(selector.error().position, c.position) << c.expression;
    EXPECT_THAT(selector.error().what, testing::HasSubstr(c.what)) << c.expression;
  }
}

TEST(SelectionExpression, HasLimits) {
  std::string variables;
  for (std::size_t i = 0; i < RouteSelector::kMaxVariables; ++i) variables += "${request.body.a}";
  EXPECT_TRUE(RouteSelector::compile(variables));
  EXPECT_FALSE(RouteSelector::compile(variables + "${request.body.a}"));
  std::string path = "$request.body";
  for (std::size_t i = 0; i < RouteSelector::kMaxDepth; ++i) path += ".a";
  EXPECT_TRUE(RouteSelector::compile(path));
  EXPECT_FALSE(RouteSelector::compile(path + ".a"));
}

}  // namespace
}  // namespace sockhook::webhook
