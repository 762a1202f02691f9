// The tokens that RFC 7515 (appendices A.1 to A.5 and E) and RFC 7519 (3.1, 6.1, A.1) print.

#include <gtest/gtest.h>

#include <string>

#include "protocol/auth/token.h"

namespace sockhook::auth {
namespace {

// {"iss":"joe", "exp":1300819380, "http://example.com/is_root":true}
const std::string kClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";
constexpr std::int64_t kExpiry = 1300819380;

const std::string kHmacKey =
    R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";
const std::string kRsaKey =
    R"({"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHm)"
    "fHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzj"
    "b_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3"
    "qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuX"
    R"(poQ"})";
const std::string kEcKey =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";

struct Vector {
  std::string name;
  std::string key;
  std::string header;
  std::string signature;
  std::string algorithm;

  std::string token() const { return header + "." + kClaims + "." + signature; }
};

std::vector<Vector> vectors() {
  return {
      {"A1", kHmacKey, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
       "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "HS256"},
      {"A2", kRsaKey, "eyJhbGciOiJSUzI1NiJ9",
       "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W"
       "2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkS"
       "jtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv"
       "Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
       "RS256"},
      {"A3", kEcKey, "eyJhbGciOiJFUzI1NiJ9",
       "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
       "ES256"}};
}

KeySet key_set(const Vector& vector) {
  auto keys = KeySet::from_jwks(R"({"keys":[)" + vector.key + "]}");
  EXPECT_TRUE(keys) << keys.error();
  return *keys;
}

TokenRules rules_for(const std::string& algorithm) {
  TokenRules rules;
  rules.algorithms = {*parse_algorithm(algorithm)};
  rules.issuers = {"joe"};
  return rules;
}

class RfcToken : public testing::TestWithParam<Vector> {};

TEST_P(RfcToken, IsVerifiedUntilItExpires) {
  const Vector& vector = GetParam();
  const TokenRules rules = rules_for(vector.algorithm);
  const KeySet keys = key_set(vector);
  const auto claims = verify_token(vector.token(), rules, keys, kExpiry);
  ASSERT_TRUE(claims) << describe(claims.error());
  EXPECT_EQ(claims->expires_at_s, kExpiry);
  EXPECT_NE(claims->json.find("is_root\":true"), std::string::npos);
  EXPECT_EQ(verify_token(vector.token(), rules, keys, kExpiry + rules.leeway_s).error(),
            TokenError::kExpired);
}

TEST_P(RfcToken, IsRefusedWithTheKeysOfTheOthers) {
  for (const Vector& other : vectors()) {
    if (other.name == GetParam().name) continue;
    EXPECT_EQ(
        verify_token(GetParam().token(), rules_for(GetParam().algorithm), key_set(other), kExpiry)
            .error(),
        TokenError::kUnknownKey);
  }
}

TEST_P(RfcToken, IsRefusedWhenItsAlgorithmIsNotOnTheList) {
  EXPECT_EQ(
      verify_token(GetParam().token(), rules_for("EdDSA"), key_set(GetParam()), kExpiry).error(),
      TokenError::kAlgorithm);
}

INSTANTIATE_TEST_SUITE_P(Appendix, RfcToken, testing::ValuesIn(vectors()),
                         [](const auto& test) { return test.param.name; });

TEST(RfcTokens, ThatNobodySignsAreRefused) {
  // A.5, and RFC 7519 6.1; ES512 of A.4; E: unknown extensions that are critical.
  const std::string none = "eyJhbGciOiJub25lIn0." + kClaims + ".";
  const std::string es512 =
      "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA."
      "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xdt";
  const std::string critical =
      "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9"
      "leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.";
  for (const Vector& vector : vectors()) {
    const TokenRules rules = rules_for(vector.algorithm);
    const KeySet keys = key_set(vector);
    EXPECT_EQ(verify_token(none, rules, keys, kExpiry).error(), TokenError::kAlgorithm);
    EXPECT_EQ(verify_token(es512, rules, keys, kExpiry).error(), TokenError::kAlgorithm);
    EXPECT_EQ(verify_token(critical, rules, keys, kExpiry).error(), TokenError::kMalformed);
    // RFC 7519 A.1: encrypted tokens have five parts.
    EXPECT_EQ(verify_token("a.b.c.d.e", rules, keys, kExpiry).error(), TokenError::kMalformed);
  }
}

}  // namespace
}  // namespace sockhook::auth
