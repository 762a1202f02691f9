#include "protocol/auth/token.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/protocol/auth/signing_key.h"

namespace sockhook::auth {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

class TokenTest : public testing::Test {
 protected:
  TokenTest() {
    rules.algorithms = {Algorithm::kHs256};
    rules.leeway_s = 30;
  }

  Result<Claims, TokenError> verify(const std::string& token) const {
    return verify_token(token, rules, keys, kNow);
  }
  Result<Claims, TokenError> verify_claims(const std::string& payload) const {
    return verify(signer.token("HS256", payload));
  }
  static std::string with_expiry(const std::string& more) {
    return "{\"exp\":" + std::to_string(kNow + 60) + more + "}";
  }
  void expect_error(const Result<Claims, TokenError>& result, TokenError error) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), error) << describe(result.error());
  }

  SigningKey signer = SigningKey::secret("secret");
  KeySet keys{{*VerificationKey::from_text("secret")}};
  TokenRules rules;
};

TEST_F(TokenTest, TellsUserGroupsExpiryAndAllClaims) {
  rules.groups_claim = "rooms";
  const std::string payload = with_expiry(R"(,"sub":"ada","rooms":["a","b",3],"more":{"x":1})");
  const auto claims = verify_claims(payload);
  ASSERT_TRUE(claims) << describe(claims.error());
  EXPECT_EQ(claims->user, "ada");
  EXPECT_EQ(claims->groups, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(claims->expires_at_s, kNow + 60);
  EXPECT_EQ(claims->json, payload);
}

TEST_F(TokenTest, UserMayStandInAnotherClaimAndBeANumber) {
  rules.user_claim = "uid";
  EXPECT_EQ(verify_claims(with_expiry(R"(,"sub":"ada","uid":42)"))->user, "42");
  EXPECT_EQ(verify_claims(with_expiry(R"(,"sub":"ada")"))->user, "");
}

TEST_F(TokenTest, UserMustHaveAValidNameWhereItHasOne) {
  const std::string long_name(129, 'a');
  expect_error(verify_claims(with_expiry(R"(,"sub":"a\u0000b")")), TokenError::kUser);
  expect_error(verify_claims(with_expiry(",\"sub\":\"" + long_name + "\"")), TokenError::kUser);
  EXPECT_EQ(verify_claims(with_expiry(R"(,"sub":"")"))->user, "");
  EXPECT_EQ(verify_claims(with_expiry(R"(,"sub":{"name":"ada"})"))->user, "");
}

TEST_F(TokenTest, GroupsWithoutAValidNameAreLeftOut) {
  rules.groups_claim = "rooms";
  const auto claims = verify_claims(with_expiry(R"(,"rooms":["a","","b\n","c"])"));
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->groups, (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(claims->ignored_groups, 2U);
}

TEST_F(TokenTest, WrongSignatureIsRefusedBeforeItsClaimsAreLookedAt) {
  expect_error(verify(SigningKey::secret("other").token("HS256", "{}")), TokenError::kSignature);
}

TEST_F(TokenTest, AlgorithmMustBeOnTheList) {
  expect_error(verify(signer.token("HS384", with_expiry(""))), TokenError::kAlgorithm);
  const std::string unsigned_token =
      webhook::base64url(R"({"alg":"none"})") + "." + webhook::base64url(with_expiry("")) + ".";
  expect_error(verify(unsigned_token), TokenError::kAlgorithm);
}

// The classic confusion: an HMAC with the text of the RSA public key as its secret.
TEST_F(TokenTest, PublicKeyIsNeverASecret) {
  const SigningKey rsa = SigningKey::rsa();
  keys = KeySet({*VerificationKey::from_text(rsa.text())});
  rules.algorithms = {Algorithm::kRs256, Algorithm::kHs256};
  ASSERT_TRUE(verify(rsa.token("RS256", with_expiry(""))));
  expect_error(verify(rsa.token("HS256", with_expiry(""))), TokenError::kUnknownKey);
}

TEST_F(TokenTest, UnknownExtensionsAreRefused) {
  expect_error(verify(signer.token("HS256", with_expiry(""), R"(,"crit":["exp"])")),
               TokenError::kMalformed);
}

TEST_F(TokenTest, KeyIdChoosesTheKey) {
  keys = *KeySet::from_jwks(
      R"({"keys":[{"kty":"oct","kid":"old","k":"b2xk"},{"kty":"oct","kid":"new","k":"c2VjcmV0"}]})");
  EXPECT_TRUE(verify(signer.token("HS256", with_expiry(""), R"(,"kid":"new")")));
  EXPECT_TRUE(verify(signer.token("HS256", with_expiry(""))));  // without an id: any
  expect_error(verify(signer.token("HS256", with_expiry(""), R"(,"kid":"old")")),
               TokenError::kSignature);
  expect_error(verify(signer.token("HS256", with_expiry(""), R"(,"kid":"newer")")),
               TokenError::kUnknownKey);
}

TEST_F(TokenTest, ExpiryIsRequiredAndHasLeeway) {
  expect_error(verify_claims("{}"), TokenError::kExpired);
  expect_error(verify_claims(R"({"exp":"tomorrow"})"), TokenError::kExpired);
  const auto at = [](std::int64_t time) { return "{\"exp\":" + std::to_string(time) + "}"; };
  EXPECT_TRUE(verify_claims(at(kNow - 29)));
  expect_error(verify_claims(at(kNow - 30)), TokenError::kExpired);
  EXPECT_TRUE(verify_claims("{\"exp\":" + std::to_string(kNow + 1) + ".5}"));
  EXPECT_TRUE(verify_claims(R"({"exp":1e300})"));
}

TEST_F(TokenTest, NotBeforeHasLeeway) {
  const auto from = [](std::int64_t time) {
    return with_expiry(",\"nbf\":" + std::to_string(time));
  };
  EXPECT_TRUE(verify_claims(from(kNow + 30)));
  expect_error(verify_claims(from(kNow + 31)), TokenError::kNotYet);
}

TEST_F(TokenTest, IssuerAndAudienceMustBeAmongThose) {
  rules.issuers = {"https://a", "https://b"};
  rules.audiences = {"chat"};
  EXPECT_TRUE(verify_claims(with_expiry(R"(,"iss":"https://b","aud":"chat")")));
  EXPECT_TRUE(verify_claims(with_expiry(R"(,"iss":"https://a","aud":["mail","chat"])")));
  expect_error(verify_claims(with_expiry(R"(,"aud":"chat")")), TokenError::kIssuer);
  expect_error(verify_claims(with_expiry(R"(,"iss":"https://c","aud":"chat")")),
               TokenError::kIssuer);
  expect_error(verify_claims(with_expiry(R"(,"iss":"https://a","aud":["mail"])")),
               TokenError::kAudience);
  expect_error(verify_claims(with_expiry(R"(,"iss":"https://a")")), TokenError::kAudience);
}

TEST_F(TokenTest, MalformedOnesAreRefused) {
  const std::string good = signer.token("HS256", with_expiry(""));
  for (const std::string& token :
       {std::string(), std::string("a"), std::string("a.b"), std::string("..."), good + ".x",
        good + "=", " " + good, good.substr(0, good.rfind('.')), "e30." + good,
        std::string(kMaxTokenBytes + 1, 'a')}) {
    expect_error(verify(token), TokenError::kMalformed);
  }
  expect_error(verify_claims("[]"), TokenError::kMalformed);
  expect_error(verify_claims("not json"), TokenError::kMalformed);
}

TEST_F(TokenTest, ClaimsAreBounded) {
  const std::string big(kMaxClaimsBytes, 'x');
  expect_error(verify_claims(with_expiry(",\"big\":\"" + big + "\"")), TokenError::kTooLarge);
}

TEST_F(TokenTest, EveryChangedByteIsNoticed) {
  const std::string good = signer.token("HS256", with_expiry(""));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify(changed)) << i;
  }
}

TEST_F(TokenTest, ClaimedIssuerIsReadWithoutVerifying) {
  EXPECT_EQ(claimed_issuer(SigningKey::secret("x").token("HS256", R"({"iss":"https://a"})")),
            "https://a");
  EXPECT_EQ(claimed_issuer("nonsense"), "");
}

}  // namespace
}  // namespace sockhook::auth
