#include "protocol/auth/key_set.h"

#include <gtest/gtest.h>

#include <string>

namespace sockhook::auth {
namespace {

TEST(KeySet, LeavesOutKeysThatCannotBeUsed) {
  const auto set = KeySet::from_jwks(
      R"({"keys":[{"kty":"oct","kid":"a","k":"AAAA"},{"kty":"new"},7,{"kty":"oct","kid":"b","k":"BBBB"}]})");
  ASSERT_TRUE(set) << set.error();
  EXPECT_EQ(set->keys().size(), 2U);
  EXPECT_TRUE(set->has("a"));
  EXPECT_TRUE(set->has("b"));
  EXPECT_FALSE(set->has("c"));
}

TEST(KeySet, RefusesWhatIsNoSet) {
  for (const char* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})",
                           R"({"keys":[{"kty":"new"}]})", R"({"keys":[)"}) {
    EXPECT_FALSE(KeySet::from_jwks(text)) << text;
  }
}

TEST(KeySet, IsBounded) {
  std::string keys;
  for (std::size_t i = 0; i <= KeySet::kMaxKeys; ++i) {
    keys += std::string(i == 0 ? "" : ",") + R"({"kty":"oct","k":"AAAA"})";
  }
  EXPECT_FALSE(KeySet::from_jwks("{\"keys\":[" + keys + "]}"));
  const std::string padding(KeySet::kMaxJwksBytes, ' ');
  EXPECT_FALSE(KeySet::from_jwks(R"({"keys":[{"kty":"oct","k":"AAAA"}]})" + padding));
}

// A set of 256 KiB that was all brackets once ran out of stack.
TEST(KeySet, IsNotNestedForEver) {
  const std::string open(100'000, '[');
  const std::string close(100'000, ']');
  EXPECT_FALSE(KeySet::from_jwks("{\"keys\":[" + open + close + "]}"));
  EXPECT_FALSE(
      KeySet::from_jwks(R"({"keys":[{"kty":"oct","k":"AAAA","x":)" + open + close + "}]}"));
  EXPECT_TRUE(KeySet::from_jwks(R"({"keys":[{"kty":"oct","k":"AAAA","x":[[[[1]]]]}]})"));
}

}  // namespace
}  // namespace sockhook::auth
