#include "protocol/webhook/signature.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <array>

#include "protocol/base/check.h"
#include "protocol/http/http_writer.h"
#include "protocol/webhook/base64.h"

namespace sockhook::webhook {

std::optional<std::string> decode_signing_secret(std::string_view secret) {
  constexpr std::string_view kPrefix = "whsec_";
  if (!secret.starts_with(kPrefix)) return std::nullopt;
  auto key = decode_base64(secret.substr(kPrefix.size()));
  if (!key || key->empty()) return std::nullopt;
  return key;
}

Signer::Signer(const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    auto key = decode_signing_secret(secret);
    SOCKHOOK_CHECK(key.has_value());
    keys_.push_back(std::move(*key));
  }
}

std::string Signer::sign(std::string_view id, std::int64_t unix_seconds,
                         std::string_view body) const {
  std::string signed_text(id);
  signed_text += '.';
  signed_text += std::to_string(unix_seconds);
  signed_text += '.';
  signed_text += body;
  std::string signatures;
  for (const std::string& key : keys_) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> mac{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), mac.data(),
         &size);
    if (!signatures.empty()) signatures += ' ';
    signatures += "v1,";
    signatures += base64({reinterpret_cast<const char*>(mac.data()), size});
  }
  return signatures;
}

void Signer::append_headers(std::string& out, std::string_view id, std::int64_t unix_seconds,
                            std::string_view body) const {
  if (!is_enabled()) return;
  http::write_header(out, "webhook-id", id);
  http::write_header(out, "webhook-timestamp", std::to_string(unix_seconds));
  http::write_header(out, "webhook-signature", sign(id, unix_seconds, body));
}

}  // namespace sockhook::webhook
