#include "protocol/auth/flat_claims.h"

#include <gtest/gtest.h>

#include <string>

namespace sockhook::auth {
namespace {

using Flat = std::map<std::string, std::string, std::less<>>;

TEST(FlatClaims, AreTextsWhateverTheyWere) {
  EXPECT_EQ(flat_claims(R"({"sub":"Jos\u00e9","n":42,"f":1.5,"yes":true,"no":null,
                            "list":["a",1],"tree":{"x":{}},"empty":"","":"nameless"})"),
            (Flat{{"sub", "Jos\xc3\xa9"},
                  {"n", "42"},
                  {"f", "1.5"},
                  {"yes", "true"},
                  {"no", "null"},
                  {"list", R"(["a",1])"},
                  {"tree", R"({"x":{}})"},
                  {"empty", ""}}));
}

TEST(FlatClaims, OfWhatIsNoObjectAreNone) {
  for (const char* text : {"", "[]", "{", "1", "\"a\""}) EXPECT_TRUE(flat_claims(text).empty());
}

TEST(FlatClaims, MayBeNestedAsDeeplyAsFits) {
  const std::string deep = std::string(2040, '[') + std::string(2040, ']');
  EXPECT_EQ(flat_claims("{\"d\":" + deep + "}"), (Flat{{"d", deep}}));
}

}  // namespace
}  // namespace sockhook::auth
