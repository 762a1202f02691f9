// Token: a signed JWT (RFC 7519, RFC 7515 compact form) and the rules that it is held against
// (contract 5.2, RFC 8725).
//
//   - the algorithm must be on the rules' list, and the key must be of its kind;
//   - a `crit` header is refused: no extension is understood here;
//   - `exp` is required; `exp` and `nbf` are compared with `leeway`;
//   - `iss` and `aud` must be among those asked for, where any are.
//
// Pure; any thread. The clock is the caller's.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/auth/algorithm.h"
#include "protocol/auth/key_set.h"
#include "protocol/base/result.h"

namespace sockhook::auth {

struct TokenRules {
  std::vector<Algorithm> algorithms;
  std::vector<std::string> issuers;    // empty: any
  std::vector<std::string> audiences;  // empty: any
  std::int64_t leeway_s = 30;
  std::string user_claim = "sub";
  std::string groups_claim;  // empty: none
};

enum class TokenError : std::uint8_t {
  kMalformed,
  kAlgorithm,   // not on the list
  kUnknownKey,  // names a key that is not in the set: a fresh set may have it
  kSignature,
  kExpired,  // or without `exp`
  kNotYet,
  kIssuer,
  kAudience,
  kTooLarge,  // claims over kMaxClaimsBytes
  kUser,      // names one that no user can be called by
};
// For the log and WWW-Authenticate's error_description: no quotes, no token.
std::string_view describe(TokenError error);

struct Claims {
  std::string user;  // empty: the token does not say
  std::vector<std::string> groups;
  std::size_t ignored_groups = 0;  // names that no group can be called by
  std::int64_t expires_at_s = 0;   // without leeway
  std::string json;                // all of them, as the token has them
};

inline constexpr std::size_t kMaxTokenBytes = 8 * 1024;
inline constexpr std::size_t kMaxClaimsBytes = 4 * 1024;

// The `iss` that a token claims, not verified; empty when it has none or is malformed. For choosing
// between issuers.
std::string claimed_issuer(std::string_view token);

Result<Claims, TokenError> verify_token(std::string_view token, const TokenRules& rules,
                                        const KeySet& keys, std::int64_t now_s);

}  // namespace sockhook::auth
