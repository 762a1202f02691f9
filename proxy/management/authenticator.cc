#include "proxy/management/authenticator.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace sockhook::management {

bool Caller::may(Access access) const {
  switch (access) {
    case Access::kOpen:
    case Access::kAny:
      return true;
    case Access::kSend:
      return may_send;
    case Access::kRead:
      return may_read;
    case Access::kManage:
      return may_manage;
  }
  return false;
}

bool Caller::reaches(const std::string& endpoint) const {
  return !scope || scope->contains(endpoint);
}

Authenticator::Authenticator(const conf::Management& management)
    : is_required_(management.has_auth()) {
  for (const conf::Token& token : management.tokens) {
    Caller caller{token.access.send, token.access.read, token.access.manage, nullptr};
    if (!token.access.endpoints.empty()) {
      caller.scope = std::make_shared<const std::set<std::string>>(token.access.endpoints.begin(),
                                                                   token.access.endpoints.end());
    }
    tokens_.push_back({digest_of(token.token), std::move(caller)});
  }
}

Authenticator::Digest Authenticator::digest_of(std::string_view token) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  return digest;
}

Result<const Caller*, ApiError> Authenticator::authenticate(const http::Headers& headers) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (!is_required_) return &everybody_;
  const std::string* authorization = headers.find("Authorization");
  if (authorization == nullptr) {
    return Failure{ApiError{ErrorCode::kMissingToken, {}}};
  }
  const Caller* caller = nullptr;
  if (headers.count("Authorization") == 1 &&
      http::starts_with_ignoring_case(*authorization, kScheme)) {
    const Digest presented =
        digest_of(http::trim(std::string_view(*authorization).substr(kScheme.size())));
    for (const Token& token : tokens_) {
      const bool is_it = CRYPTO_memcmp(presented.data(), token.digest.data(), Digest{}.size()) == 0;
      if (is_it) caller = &token.caller;
    }
  }
  if (caller == nullptr) {
    return Failure{ApiError{ErrorCode::kInvalidToken, {}}};
  }
  return caller;
}

}  // namespace sockhook::management
