// VerificationKey: a key that signatures of tokens are checked with, bound to its kind.
//
// A secret checks HS* only, an RSA key RS* and PS*, a curve the one algorithm that goes with it
// (RFC 7518 section 3.4: P-256 with ES256, P-384 with ES384). A JWK's `alg` narrows that further.
//
// An immutable value, cheap to copy; any thread. It holds secrets: never log one.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/auth/algorithm.h"
#include "protocol/base/result.h"

namespace sockhook::auth {

class VerificationKey {
 public:
  // RFC 7518 section 3.3.
  static constexpr int kMinRsaBits = 2048;
  static constexpr int kMaxRsaBits = 16384;

  // A public key in PEM if it begins with -----BEGIN (SubjectPublicKeyInfo or a certificate), else
  // the bytes of a secret. The error says what is wrong, without the key.
  static Result<VerificationKey, std::string> from_text(std::string_view text);
  // One JWK (RFC 7517) of `kty` RSA, EC, OKP or oct, as JSON text.
  static Result<VerificationKey, std::string> from_jwk(std::string_view json);

  // Empty: it has none.
  const std::string& id() const { return id_; }
  bool fits(Algorithm algorithm) const;
  // Only with an algorithm that fits. `signature` as in the token: raw bytes.
  bool verify(Algorithm algorithm, std::string_view input, std::string_view signature) const;

 private:
  struct PublicKey;

  static Result<VerificationKey, std::string> checked(VerificationKey key);

  std::string id_;
  std::optional<Algorithm> only_;
  std::string secret_;                           // kHmac
  std::shared_ptr<const PublicKey> public_key_;  // all others
};

}  // namespace sockhook::auth
