#include "protocol/auth/token.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "protocol/webhook/base64.h"
#include "protocol/webhook/names.h"

namespace sockhook::auth {
namespace {

using Json = nlohmann::json;

struct Parts {
  std::string_view signed_text;  // header and payload, with the dot between
  Json header;
  std::string payload;
  std::string signature;
};

std::optional<Parts> split(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return std::nullopt;
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  const auto header = webhook::decode_base64url(token.substr(0, first));
  auto payload = webhook::decode_base64url(token.substr(first + 1, second - first - 1));
  auto signature = webhook::decode_base64url(token.substr(second + 1));
  if (!header || !payload || !signature) return std::nullopt;
  Parts parts{token.substr(0, second), Json::parse(*header, nullptr, false), std::move(*payload),
              std::move(*signature)};
  if (!parts.header.is_object()) return std::nullopt;
  return parts;
}

std::optional<std::string> text_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

// NumericDate (RFC 7519 section 2): seconds, perhaps with a fraction.
std::optional<std::int64_t> date_member(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number()) return std::nullopt;
  const double seconds = member->get<double>();
  constexpr double kLatest = 253402300800.0;  // the year 10000
  if (!std::isfinite(seconds)) return std::nullopt;
  return static_cast<std::int64_t>(std::clamp(seconds, 0.0, kLatest));
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// A text or a list of texts; others in a list are left out.
std::vector<std::string> texts_of(const Json& object, const std::string& name) {
  std::vector<std::string> texts;
  const auto member = object.find(name);
  if (member == object.end()) return texts;
  if (member->is_string()) texts.push_back(member->get<std::string>());
  if (!member->is_array()) return texts;
  for (const Json& item : *member) {
    if (item.is_string()) texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::string user_of(const Json& payload, const std::string& claim) {
  const auto member = payload.find(claim);
  if (member == payload.end()) return {};
  if (member->is_string()) return member->get<std::string>();
  return member->is_number_integer() ? member->dump() : std::string();
}

std::optional<TokenError> check_signature(const Parts& parts, const TokenRules& rules,
                                          const KeySet& keys) {
  if (parts.header.contains("crit")) return TokenError::kMalformed;
  const auto name = text_member(parts.header, "alg");
  if (!name) return TokenError::kMalformed;
  const auto algorithm = parse_algorithm(*name);
  if (!algorithm || std::find(rules.algorithms.begin(), rules.algorithms.end(), *algorithm) ==
                        rules.algorithms.end()) {
    return TokenError::kAlgorithm;
  }
  const std::string id = text_member(parts.header, "kid").value_or("");
  bool is_known = false;
  for (const VerificationKey& key : keys.keys()) {
    // Keys of the config have no id and may be meant by any.
    if (!id.empty() && !key.id().empty() && key.id() != id) continue;
    if (!key.fits(*algorithm)) continue;
    is_known = true;
    if (key.verify(*algorithm, parts.signed_text, parts.signature)) return std::nullopt;
  }
  return is_known ? TokenError::kSignature : TokenError::kUnknownKey;
}

std::optional<TokenError> check_claims(const Json& payload, const TokenRules& rules,
                                       std::int64_t now_s) {
  const auto expires_at_s = date_member(payload, "exp");
  if (!expires_at_s || now_s >= *expires_at_s + rules.leeway_s) return TokenError::kExpired;
  if (payload.contains("nbf")) {
    const auto begins_at_s = date_member(payload, "nbf");
    if (!begins_at_s || now_s < *begins_at_s - rules.leeway_s) return TokenError::kNotYet;
  }
  if (!rules.issuers.empty()) {
    const auto issuer = text_member(payload, "iss");
    if (!issuer || !contains(rules.issuers, *issuer)) return TokenError::kIssuer;
  }
  if (!rules.audiences.empty()) {
    const std::vector<std::string> audiences = texts_of(payload, "aud");
    const bool is_for_us = std::any_of(
        audiences.begin(), audiences.end(),
        [&](const std::string& audience) { return contains(rules.audiences, audience); });
    if (!is_for_us) return TokenError::kAudience;
  }
  return std::nullopt;
}

}  // namespace

std::string_view describe(TokenError error) {
  switch (error) {
    case TokenError::kMalformed:
      return "the token is malformed";
    case TokenError::kAlgorithm:
      return "the algorithm is not allowed";
    case TokenError::kUnknownKey:
      return "the key is not known";
    case TokenError::kSignature:
      return "the signature is wrong";
    case TokenError::kExpired:
      return "the token has expired";
    case TokenError::kNotYet:
      return "the token is not valid yet";
    case TokenError::kIssuer:
      return "the issuer is not accepted";
    case TokenError::kAudience:
      return "the audience is not accepted";
    case TokenError::kTooLarge:
      return "the claims are over 4 KiB";
    case TokenError::kUser:
      return "the user has no valid name";
  }
  return {};
}

std::string claimed_issuer(std::string_view token) {
  const auto parts = split(token);
  if (!parts) return {};
  const Json payload = Json::parse(parts->payload, nullptr, false);
  return payload.is_object() ? text_member(payload, "iss").value_or("") : std::string();
}

Result<Claims, TokenError> verify_token(std::string_view token, const TokenRules& rules,
                                        const KeySet& keys, std::int64_t now_s) {
  auto parts = split(token);
  if (!parts) return Failure{TokenError::kMalformed};
  // The claims of a token that nobody has signed say nothing: not even why it is refused.
  if (const auto error = check_signature(*parts, rules, keys)) return Failure{*error};
  if (parts->payload.size() > kMaxClaimsBytes) return Failure{TokenError::kTooLarge};
  const Json payload = Json::parse(parts->payload, nullptr, false);
  if (!payload.is_object()) return Failure{TokenError::kMalformed};
  if (const auto error = check_claims(payload, rules, now_s)) return Failure{*error};
  Claims claims;
  claims.user = user_of(payload, rules.user_claim);
  if (!claims.user.empty() && !webhook::is_valid_name(claims.user)) {
    return Failure{TokenError::kUser};
  }
  if (!rules.groups_claim.empty()) claims.groups = texts_of(payload, rules.groups_claim);
  claims.ignored_groups = std::erase_if(
      claims.groups, [](const std::string& group) { return !webhook::is_valid_name(group); });
  claims.expires_at_s = *date_member(payload, "exp");
  claims.json = std::move(parts->payload);
  return claims;
}

}  // namespace sockhook::auth
