// TokenGate: who may enter an endpoint that asks for tokens (contract 5.2).
//
// Each issuer of the endpoint looks at the token that stands in the first of its places that holds
// one, unless the token claims to be another issuer's; the first that can verify it lets the client
// in. Two tokens in one place are none: the backend might read the other one.
//
// A token whose key is not there may have to wait until the issuer's keys have been read afresh:
// then KeysRefreshed follows (proxy/messages.h), after which the same question is worth asking
// again. The caller limits how long, and how many wait.
//
// Owner: the Worker, one for each endpoint with `auth.jwt`. Thread: any; it holds no state.

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "conf/endpoint.h"
#include "protocol/auth/token.h"
#include "proxy/client/token_grant.h"
#include "proxy/client/token_source.h"
#include "proxy/keys/issuer_keys.h"

namespace sockhook::client {

class TokenGate {
 public:
  struct Verdict {
    enum class Kind : uint8_t { kGranted, kMissing, kRefused, kWait };
    Kind kind = Kind::kMissing;
    TokenGrant grant;                                       // kGranted
    auth::TokenError error = auth::TokenError::kMalformed;  // kRefused, kWait
    // kRefused, kWait: perhaps only because its issuer's keys could not be read so far.
    bool lacks_keys = false;
  };

  // `keys` as `issuers`, both outlive the gate.
  TokenGate(const std::vector<conf::Jwt>& issuers, const std::vector<keys::IssuerKeysPtr>& keys);

  // The issuers' places, for take_tokens().
  const std::vector<conf::Jwt>& issuers() const { return issuers_; }
  Verdict check(const std::vector<FoundToken>& tokens, int64_t now_s) const;

 private:
  struct Issuer {
    auth::TokenRules rules;
    keys::IssuerKeysPtr keys;
  };

  bool is_for(const Issuer& issuer, std::string_view token) const;

  const std::vector<conf::Jwt>& issuers_;
  std::vector<Issuer> verifiers_;  // as issuers_
};

}  // namespace sockhook::client
