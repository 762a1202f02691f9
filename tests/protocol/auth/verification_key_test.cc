#include "protocol/auth/verification_key.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/webhook/base64.h"
#include "tests/protocol/auth/signing_key.h"

namespace sockhook::auth {
namespace {

struct Case {
  std::string algorithm;
  SigningKey (*make)();
};

std::vector<Case> cases() {
  const auto rsa = [] { return SigningKey::rsa(); };
  const auto secret = [] { return SigningKey::secret("a secret of any length"); };
  return {{"HS256", secret},
          {"HS384", secret},
          {"HS512", secret},
          {"RS256", rsa},
          {"RS384", rsa},
          {"RS512", rsa},
          {"PS256", rsa},
          {"PS384", rsa},
          {"PS512", rsa},
          {"ES256", [] { return SigningKey::ec("P-256"); }},
          {"ES384", [] { return SigningKey::ec("P-384"); }},
          {"EdDSA", [] { return SigningKey::ed25519(); }}};
}

class EveryAlgorithm : public testing::TestWithParam<Case> {};

TEST_P(EveryAlgorithm, VerifiesWhatItsKeyHasSignedAndNothingElse) {
  const SigningKey signer = GetParam().make();
  const auto key = VerificationKey::from_text(signer.text());
  ASSERT_TRUE(key) << key.error();
  const Algorithm algorithm = *parse_algorithm(GetParam().algorithm);
  const std::string signature = signer.sign(GetParam().algorithm, "text");
  EXPECT_TRUE(key->verify(algorithm, "text", signature));
  EXPECT_FALSE(key->verify(algorithm, "texT", signature));
  EXPECT_FALSE(key->verify(algorithm, "text", signature.substr(1)));
  EXPECT_FALSE(key->verify(algorithm, "text", ""));
  for (const std::size_t at : {std::size_t{0}, signature.size() / 2, signature.size() - 1}) {
    std::string changed = signature;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(key->verify(algorithm, "text", changed)) << at;
  }
}

TEST_P(EveryAlgorithm, KeyFitsItsOwnFamilyOnly) {
  const auto key = VerificationKey::from_text(GetParam().make().text());
  ASSERT_TRUE(key);
  const auto kind = [](const std::string& name) {
    if (name.starts_with("HS")) return std::string("secret");
    return name.starts_with("RS") || name.starts_with("PS") ? std::string("rsa") : name;
  };
  for (const Case& other : cases()) {
    EXPECT_EQ(key->fits(*parse_algorithm(other.algorithm)),
              kind(other.algorithm) == kind(GetParam().algorithm))
        << other.algorithm;
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, EveryAlgorithm, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.algorithm; });

TEST(Algorithm, NamesAreExactAndNoneIsNone) {
  for (const char* name : {"none", "None", "hs256", "HS256 ", "ES512", "RS1", ""}) {
    EXPECT_FALSE(parse_algorithm(name)) << name;
  }
}

// RFC 7515 appendix A.1.
TEST(VerificationKey, ReadsTheSecretOfTheRfc) {
  const auto key = VerificationKey::from_jwk(
      R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})");
  ASSERT_TRUE(key) << key.error();
  const std::string input =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ";
  const auto signature = webhook::decode_base64url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  EXPECT_TRUE(key->verify(Algorithm::kHs256, input, *signature));
}

// RFC 8037 appendix A.2 and A.4.
TEST(VerificationKey, ReadsTheEdwardsKeyOfTheRfc) {
  const auto key = VerificationKey::from_jwk(
      R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  ASSERT_TRUE(key) << key.error();
  const auto signature = webhook::decode_base64url(
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  EXPECT_TRUE(key->verify(Algorithm::kEdDsa,
                          "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", *signature));
}

TEST(VerificationKey, ReadsPublicKeysFromJwks) {
  const SigningKey rsa = SigningKey::rsa();
  const auto rsa_key = VerificationKey::from_jwk(
      R"({"kty":"RSA","kid":"r","n":")" + rsa.number("n") + R"(","e":")" + rsa.number("e") + "\"}");
  ASSERT_TRUE(rsa_key) << rsa_key.error();
  EXPECT_EQ(rsa_key->id(), "r");
  EXPECT_TRUE(rsa_key->verify(Algorithm::kPs384, "text", rsa.sign("PS384", "text")));

  const SigningKey edwards = SigningKey::ed25519();
  const auto okp = VerificationKey::from_jwk(R"({"kty":"OKP","crv":"Ed25519","x":")" +
                                             edwards.raw_public() + "\"}");
  ASSERT_TRUE(okp) << okp.error();
  EXPECT_TRUE(okp->verify(Algorithm::kEdDsa, "text", edwards.sign("EdDSA", "text")));
}

TEST(VerificationKey, JwkAlgorithmNarrowsTheKey) {
  const SigningKey rsa = SigningKey::rsa();
  const auto key =
      VerificationKey::from_jwk(R"({"kty":"RSA","alg":"RS256","n":")" + rsa.number("n") +
                                R"(","e":")" + rsa.number("e") + "\"}");
  ASSERT_TRUE(key) << key.error();
  EXPECT_TRUE(key->fits(Algorithm::kRs256));
  EXPECT_FALSE(key->fits(Algorithm::kPs256));
  EXPECT_FALSE(key->verify(Algorithm::kRs512, "text", rsa.sign("RS512", "text")));
}

TEST(VerificationKey, RefusesWhatIsNoKeyForSignatures) {
  const std::string x(43, 'A');
  const std::vector<std::string> bad = {
      "[]",
      "{",
      R"({"kty":"oct"})",
      R"({"kty":"oct","k":"!!"})",
      R"({"kty":"oct","k":"AAAA","use":"enc"})",
      R"({"kty":"oct","k":"AAAA","alg":"none"})",
      R"({"kty":"oct","k":"AAAA","alg":"RS256"})",
      R"({"kty":"XYZ"})",
      R"({"kty":"RSA","n":"AQAB","e":"AQAB"})",
      R"({"kty":"EC","crv":"P-521","x":"AA","y":"AA"})",
      R"({"kty":"EC","crv":"P-256","x":")" + x + R"(","y":")" + x + "\"}",  // not on the curve
      R"({"kty":"OKP","crv":"Ed25519","x":"AA"})",
  };
  for (const std::string& jwk : bad) EXPECT_FALSE(VerificationKey::from_jwk(jwk)) << jwk;
}

TEST(VerificationKey, RefusesWeakAndUnknownKeysInPem) {
  EXPECT_FALSE(VerificationKey::from_text(SigningKey::rsa(1024).text()));
  EXPECT_FALSE(VerificationKey::from_text(SigningKey::ec("secp256k1").text()));
  EXPECT_FALSE(VerificationKey::from_text(SigningKey::ec("P-521").text()));
  EXPECT_FALSE(VerificationKey::from_text("-----BEGIN PUBLIC KEY-----\nnonsense\n"));
  EXPECT_FALSE(VerificationKey::from_text(""));
}

}  // namespace
}  // namespace sockhook::auth
