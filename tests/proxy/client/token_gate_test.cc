// Who may enter by which token (contract 5.2).

#include "proxy/client/token_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocol/auth/signing_key.h"

namespace sockhook::client {
namespace {

using auth::SigningKey;
using auth::TokenError;
using Kind = TokenGate::Verdict::Kind;
using Place = conf::Jwt::Source::Kind;
using ::testing::ElementsAre;

constexpr int64_t kNow = 1'700'000'000;

class TokenGateTest : public ::testing::Test {
 protected:
  static conf::Jwt issuer(const std::string& name = "") {
    conf::Jwt jwt;
    jwt.algorithms = {"HS256"};
    if (!name.empty()) jwt.issuers = {name};
    return jwt;
  }
  static keys::IssuerKeysPtr keys_of(const std::string& secret) {
    return std::make_shared<keys::IssuerKeys>(
        auth::KeySet({*auth::VerificationKey::from_text(secret)}));
  }
  static std::shared_ptr<const auth::KeySet> jwks(const std::string& kid,
                                                  const std::string& secret) {
    auto set = auth::KeySet::from_jwks(R"({"keys":[{"kty":"oct","kid":")" + kid + R"(","k":")" +
                                       webhook::base64url(secret) + R"("}]})");
    return std::make_shared<const auth::KeySet>(std::move(*set));
  }
  // An issuer whose keys are elsewhere.
  keys::IssuerKeysPtr remote() {
    auto keys = std::make_shared<keys::IssuerKeys>();
    keys->attach([this](const keys::IssuerKeys&) {
      ++asked;
      return true;
    });
    return keys;
  }
  void add(const conf::Jwt& jwt, const keys::IssuerKeysPtr& keys) {
    issuers.push_back(jwt);
    issuer_keys.push_back(keys);
  }
  static std::string token(const std::string& secret, const std::string& more = "",
                           const std::string& header = "") {
    return SigningKey::secret(secret).token(
        "HS256", "{\"exp\":" + std::to_string(kNow + 60) + more + "}", header);
  }
  TokenGate::Verdict check(std::vector<FoundToken> tokens) {
    return TokenGate(issuers, issuer_keys).check(tokens, kNow);
  }
  TokenGate::Verdict check(const std::string& text) {
    return check(std::vector<FoundToken>{{{Place::kHeader, {}}, text}});
  }

  std::vector<conf::Jwt> issuers;
  std::vector<keys::IssuerKeysPtr> issuer_keys;
  int asked = 0;
};

TEST_F(TokenGateTest, AGrantSaysWhatTheTokenSays) {
  conf::Jwt jwt = issuer();
  jwt.user_claim = "uid";
  jwt.groups_claim = "rooms";
  add(jwt, keys_of("s"));
  const auto verdict = check(token("s", R"(,"uid":"ada","rooms":["a","b",""])"));
  ASSERT_EQ(verdict.kind, Kind::kGranted);
  EXPECT_EQ(verdict.grant.user, "ada");
  EXPECT_THAT(verdict.grant.groups, ElementsAre("a", "b"));
  EXPECT_EQ(verdict.grant.ignored_groups, 1U);
  EXPECT_EQ(verdict.grant.ends_at_ms, std::nullopt) << "on_expiry: ignore";
  EXPECT_NE(verdict.grant.claims->find("\"uid\":\"ada\""), std::string::npos);
}

TEST_F(TokenGateTest, TheEndIsThatOfTheTokenAndTheLeeway) {
  conf::Jwt jwt = issuer();
  jwt.close_on_expiry = true;
  jwt.leeway = conf::Duration{1500};
  add(jwt, keys_of("s"));
  EXPECT_EQ(check(token("s")).grant.ends_at_ms, (kNow + 60 + 2) * 1000);
}

TEST_F(TokenGateTest, WithoutATokenNothingIsWrongWithIt) {
  add(issuer(), keys_of("s"));
  EXPECT_EQ(check(std::vector<FoundToken>{}).kind, Kind::kMissing);
  EXPECT_EQ(check({{{Place::kCookie, "session"}, token("s")}}).kind, Kind::kMissing)
      << "that is no place of the issuer";
}

TEST_F(TokenGateTest, ABadTokenIsRefusedWithItsReason) {
  add(issuer(), keys_of("s"));
  EXPECT_EQ(check("nonsense").error, TokenError::kMalformed);
  EXPECT_EQ(check(token("other")).error, TokenError::kSignature);
  EXPECT_EQ(check(token("other")).kind, Kind::kRefused);
}

TEST_F(TokenGateTest, TheFirstPlaceThatHoldsATokenCounts) {
  conf::Jwt jwt = issuer();
  jwt.from = {{Place::kCookie, "session"}, {Place::kHeader, {}}};
  add(jwt, keys_of("s"));
  EXPECT_EQ(check(token("s")).kind, Kind::kGranted);
  EXPECT_EQ(
      check({{{Place::kHeader, {}}, token("s")}, {{Place::kCookie, "session"}, token("x")}}).kind,
      Kind::kRefused);
}

TEST_F(TokenGateTest, TwoTokensInOnePlaceAreNone) {
  add(issuer(), keys_of("s"));
  const FoundToken good{{Place::kHeader, {}}, token("s")};
  const auto verdict = check({good, good});
  EXPECT_EQ(verdict.kind, Kind::kRefused);
  EXPECT_EQ(verdict.error, TokenError::kMalformed);
}

TEST_F(TokenGateTest, EachIssuerVerifiesItsOwnTokens) {
  add(issuer("https://a"), keys_of("a"));
  add(issuer("https://b"), keys_of("b"));
  EXPECT_EQ(check(token("a", R"(,"iss":"https://a")")).kind, Kind::kGranted);
  EXPECT_EQ(check(token("b", R"(,"iss":"https://b")")).kind, Kind::kGranted);
  EXPECT_EQ(check(token("b", R"(,"iss":"https://a")")).error, TokenError::kSignature);
  EXPECT_EQ(check(token("a", R"(,"iss":"https://c")")).error, TokenError::kIssuer);
  EXPECT_EQ(check(token("a")).error, TokenError::kIssuer);
}

TEST_F(TokenGateTest, OneOfSeveralWithoutANameIsEnough) {
  add(issuer(), keys_of("a"));
  add(issuer(), keys_of("b"));
  EXPECT_EQ(check(token("b")).kind, Kind::kGranted);
  EXPECT_EQ(check(token("c")).error, TokenError::kSignature);
}

TEST_F(TokenGateTest, EachIssuerHasItsOwnPlaces) {
  conf::Jwt by_cookie = issuer();
  by_cookie.from = {{Place::kCookie, "session"}};
  add(by_cookie, keys_of("a"));
  add(issuer(), keys_of("b"));
  EXPECT_EQ(
      check({{{Place::kCookie, "session"}, token("x")}, {{Place::kHeader, {}}, token("b")}}).kind,
      Kind::kGranted);
  EXPECT_EQ(check(token("a")).kind, Kind::kRefused) << "only its cookie";
}

TEST_F(TokenGateTest, AnUnknownKeyWaitsForAFreshSet) {
  const auto keys = remote();
  add(issuer(), keys);
  const std::string fresh = token("s", "", R"(,"kid":"new")");
  EXPECT_EQ(check(fresh).kind, Kind::kWait) << "no set has been read yet";
  EXPECT_EQ(check(fresh).kind, Kind::kWait);
  EXPECT_EQ(asked, 1) << "however many ask";
  keys->end(jwks("new", "s"));
  EXPECT_EQ(check(fresh).kind, Kind::kGranted);
  EXPECT_EQ(check(token("s", "", R"(,"kid":"newer")")).kind, Kind::kRefused)
      << "one has just been read";
  EXPECT_EQ(asked, 1);
}

TEST_F(TokenGateTest, AWrongSignatureWaitsForNothing) {
  const auto keys = remote();
  keys->end(jwks("k", "s"));
  add(issuer(), keys);
  EXPECT_EQ(check(token("x", "", R"(,"kid":"k")")).error, TokenError::kSignature);
  EXPECT_EQ(asked, 0);
}

TEST_F(TokenGateTest, AnotherIssuersTokenAsksForNoKeys) {
  add(issuer("https://a"), remote());
  add(issuer("https://b"), keys_of("b"));
  EXPECT_EQ(check(token("b", R"(,"iss":"https://b")")).kind, Kind::kGranted);
  EXPECT_EQ(check(token("b", R"(,"iss":"https://c")")).kind, Kind::kRefused);
  EXPECT_EQ(asked, 0);
}

TEST_F(TokenGateTest, KeysOfTheConfigAreNeverWaitedFor) {
  add(issuer(), std::make_shared<keys::IssuerKeys>(*jwks("k", "s")));
  const auto verdict = check(token("s", "", R"(,"kid":"other")"));
  EXPECT_EQ(verdict.kind, Kind::kRefused);
  EXPECT_EQ(verdict.error, TokenError::kUnknownKey);
}

}  // namespace
}  // namespace sockhook::client
