#include "proxy/client/token_gate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/base/check.h"

namespace sockhook::client {
namespace {

using auth::TokenError;

constexpr int64_t kMsPerSecond = 1000;

auth::TokenRules rules_of(const conf::Jwt& issuer) {
  auth::TokenRules rules;
  for (const std::string& name : issuer.algorithms) {
    const auto algorithm = auth::parse_algorithm(name);
    SOCKHOOK_CHECK(algorithm.has_value());  // the config reader knows the same names
    rules.algorithms.push_back(*algorithm);
  }
  rules.issuers = issuer.issuers;
  rules.audiences = issuer.audiences;
  rules.leeway_s = (issuer.leeway.count() + kMsPerSecond - 1) / kMsPerSecond;
  rules.user_claim = issuer.user_claim;
  rules.groups_claim = issuer.groups_claim.value_or("");
  return rules;
}

// Of those in the first place of `from` that holds any.
struct Chosen {
  const FoundToken* token = nullptr;
  bool is_ambiguous = false;
};

Chosen choose(const std::vector<conf::Jwt::Source>& from, const std::vector<FoundToken>& tokens) {
  for (const conf::Jwt::Source& source : from) {
    const auto is_here = [&](const FoundToken& token) { return token.source == source; };
    const auto first = std::find_if(tokens.begin(), tokens.end(), is_here);
    if (first == tokens.end()) continue;
    return {&*first, std::find_if(first + 1, tokens.end(), is_here) != tokens.end()};
  }
  return {};
}

TokenGrant grant_of(auth::Claims claims, const auth::TokenRules& rules, bool ends_with_token) {
  TokenGrant grant;
  grant.user = std::move(claims.user);
  grant.groups = std::move(claims.groups);
  grant.ignored_groups = claims.ignored_groups;
  grant.claims = std::make_shared<const std::string>(std::move(claims.json));
  if (ends_with_token) {
    grant.ends_at_ms = (claims.expires_at_s + rules.leeway_s) * kMsPerSecond;
  }
  return grant;
}

}  // namespace

TokenGate::TokenGate(const std::vector<conf::Jwt>& issuers,
                     const std::vector<keys::IssuerKeysPtr>& keys)
    : issuers_(issuers) {
  SOCKHOOK_CHECK(keys.size() == issuers.size());
  for (std::size_t i = 0; i < issuers.size(); ++i) {
    verifiers_.push_back({rules_of(issuers[i]), keys[i]});
  }
}

// Of several issuers, the one that a token names; where there is only one, the verifier looks.
bool TokenGate::is_for(const Issuer& issuer, std::string_view token) const {
  const std::vector<std::string>& names = issuer.rules.issuers;
  if (verifiers_.size() == 1 || names.empty()) return true;
  return std::find(names.begin(), names.end(), auth::claimed_issuer(token)) != names.end();
}

TokenGate::Verdict TokenGate::check(const std::vector<FoundToken>& tokens, int64_t now_s) const {
  Verdict verdict;
  bool may_have_fresh_keys = false;
  std::optional<TokenError> error;
  const auto refuse = [&](TokenError why) {
    // Another issuer's complaint says less than that of the one whose token it is.
    if (!error || *error == TokenError::kIssuer) error = why;
  };
  for (std::size_t i = 0; i < verifiers_.size(); ++i) {
    const Issuer& issuer = verifiers_[i];
    const Chosen chosen = choose(issuers_[i].from, tokens);
    if (chosen.token == nullptr) continue;
    if (chosen.is_ambiguous) {
      refuse(TokenError::kMalformed);
      continue;
    }
    if (!is_for(issuer, chosen.token->text)) {
      refuse(TokenError::kIssuer);
      continue;
    }
    const keys::IssuerKeys::Set keys = issuer.keys->current();
    auto claims =
        auth::verify_token(chosen.token->text, issuer.rules, keys ? *keys : auth::KeySet(), now_s);
    if (claims) {
      verdict.kind = Verdict::Kind::kGranted;
      verdict.grant = grant_of(std::move(*claims), issuer.rules, issuers_[i].close_on_expiry);
      return verdict;
    }
    refuse(claims.error());
    if (claims.error() != TokenError::kUnknownKey) continue;
    if (!keys) verdict.lacks_keys = true;
    if (issuer.keys->want_fresh(keys)) may_have_fresh_keys = true;
  }
  if (!error) return verdict;
  verdict.kind = may_have_fresh_keys ? Verdict::Kind::kWait : Verdict::Kind::kRefused;
  verdict.error = *error;
  return verdict;
}

}  // namespace sockhook::client
