#include "proxy/management/bearer_token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace sockhook::management {

BearerToken::BearerToken(std::string_view token) {
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest_.data());
}

std::optional<BearerToken> BearerToken::shown_in(const http::Headers& headers) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string* authorization = headers.find("Authorization");
  if (authorization == nullptr || headers.count("Authorization") != 1 ||
      !http::starts_with_ignoring_case(*authorization, kScheme)) {
    return std::nullopt;
  }
  return BearerToken(http::trim(std::string_view(*authorization).substr(kScheme.size())));
}

bool BearerToken::equals(const BearerToken& other) const {
  return CRYPTO_memcmp(digest_.data(), other.digest_.data(), digest_.size()) == 0;
}

}  // namespace sockhook::management
