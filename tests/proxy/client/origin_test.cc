// Which origins may connect (contract 2, `origins`).

#include "proxy/client/origin.h"

#include <gtest/gtest.h>

namespace sockhook::client {
namespace {

const std::vector<std::string> kExample = {"https://example.com"};
const std::vector<std::string> kBelow = {"https://*.example.com"};

TEST(Origin, AnyMayConnectWhereNoneIsListed) {
  EXPECT_TRUE(is_origin_allowed("https://evil.test", {}));
  EXPECT_TRUE(is_origin_allowed("null", {}));
}

TEST(Origin, SchemeHostAndPortMustMatch) {
  EXPECT_TRUE(is_origin_allowed("https://example.com", kExample));
  EXPECT_FALSE(is_origin_allowed("http://example.com", kExample));
  EXPECT_FALSE(is_origin_allowed("https://www.example.com", kExample));
  EXPECT_FALSE(is_origin_allowed("https://example.com.evil.test", kExample));
  EXPECT_FALSE(is_origin_allowed("https://example.com:8443", kExample));
}

TEST(Origin, TheSchemesOwnPortMayBeLeftOut) {
  EXPECT_TRUE(is_origin_allowed("https://example.com:443", kExample));
  EXPECT_TRUE(is_origin_allowed("http://example.com", {"http://example.com:80"}));
  EXPECT_TRUE(is_origin_allowed("https://[::1]", {"https://[::1]:443"}));
  EXPECT_TRUE(is_origin_allowed("https://[::1]:8443", {"https://[::1]:8443"}));
}

TEST(Origin, CaseDoesNotMatter) { EXPECT_TRUE(is_origin_allowed("HTTPS://Example.COM", kExample)); }

TEST(Origin, AStarIsOneOrMoreLabels) {
  EXPECT_TRUE(is_origin_allowed("https://a.example.com", kBelow));
  EXPECT_TRUE(is_origin_allowed("https://a.b.example.com", kBelow));
  EXPECT_FALSE(is_origin_allowed("https://example.com", kBelow));
  EXPECT_FALSE(is_origin_allowed("https://.example.com", kBelow));
  EXPECT_FALSE(is_origin_allowed("https://evilexample.com", kBelow));
}

TEST(Origin, PortsOfAPatternWithAStarMustMatchToo) {
  EXPECT_FALSE(is_origin_allowed("https://a.example.com:8443", kBelow));
  EXPECT_TRUE(is_origin_allowed("https://a.example.com:8443", {"https://*.example.com:8443"}));
}

TEST(Origin, NullPassesOnlyWhereItIsListed) {
  EXPECT_FALSE(is_origin_allowed("null", kExample));
  EXPECT_TRUE(is_origin_allowed("null", {"https://example.com", "null"}));
}

TEST(Origin, AnEmptyHeaderIsNoOriginThatIsListed) { EXPECT_FALSE(is_origin_allowed("", kExample)); }

}  // namespace
}  // namespace sockhook::client
