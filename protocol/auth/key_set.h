// KeySet: the keys of one issuer, from the config or from a JWK Set (RFC 7517 section 5).
//
// An immutable value; any thread.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/auth/verification_key.h"
#include "protocol/base/result.h"

namespace sockhook::auth {

class KeySet {
 public:
  static constexpr std::size_t kMaxKeys = 64;
  static constexpr std::size_t kMaxJwksBytes = 256 * 1024;

  KeySet() = default;
  explicit KeySet(std::vector<VerificationKey> keys) : keys_(std::move(keys)) {}

  // Keys that are not for signatures, or of a kind that is not known, are left out, as the RFC asks
  // for; a set without any usable key, malformed or over the limits is an error.
  static Result<KeySet, std::string> from_jwks(std::string_view json);

  const std::vector<VerificationKey>& keys() const { return keys_; }
  bool has(std::string_view id) const;

 private:
  std::vector<VerificationKey> keys_;
};

}  // namespace sockhook::auth
