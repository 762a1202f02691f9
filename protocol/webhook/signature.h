// Signatures of Standard Webhooks 1.0.0 (contract 4.4): HMAC-SHA256 over "id.timestamp.body".
//
// A Signer belongs to the Config's life; immutable, any thread. It holds secrets: never log one.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockhook::webhook {

// The key in "whsec_<base64>"; nullopt when the prefix is missing or what follows is no base64 of
// at least one byte.
std::optional<std::string> decode_signing_secret(std::string_view secret);

class Signer {
 public:
  // Signs nothing.
  Signer() = default;
  // Each secret is "whsec_..." and valid: the config reader has checked it.
  explicit Signer(const std::vector<std::string>& secrets);

  bool is_enabled() const { return !keys_.empty(); }

  // "v1,<base64> v1,<base64>", one for each secret in its order.
  std::string sign(std::string_view id, std::int64_t unix_seconds, std::string_view body) const;
  // webhook-id, webhook-timestamp and webhook-signature lines; nothing without secrets.
  void append_headers(std::string& out, std::string_view id, std::int64_t unix_seconds,
                      std::string_view body) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace sockhook::webhook
