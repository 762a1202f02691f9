#include "proxy/management/authenticator.h"

#include <chrono>
#include <utility>

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

Caller Authenticator::caller_of(const conf::Access& access) {
  Caller caller{access.send, access.read, access.manage, nullptr};
  if (!access.endpoints.empty()) {
    caller.scope = std::make_shared<const std::set<std::string>>(access.endpoints.begin(),
                                                                 access.endpoints.end());
  }
  return caller;
}

Authenticator::Authenticator(const conf::Management& management)
    : is_required_(management.has_auth()), has_certificates_(management.client_certificates) {
  for (const conf::Token& token : management.tokens) {
    tokens_.push_back({BearerToken(token.token), caller_of(token.access)});
  }
  for (const conf::SigV4Key& key : management.sigv4) {
    keys_.push_back({key.access_key_id, key.secret_access_key, caller_of(key.access)});
  }
}

Result<const Caller*, ApiError> Authenticator::authenticate(const http::RequestHead& head,
                                                            const std::string* body) const {
  if (!is_required_) return &everybody_;
  if (!keys_.empty()) {
    const auto signature = auth::read_sigv4(head);
    if (signature) return check_signature(*signature, head, body);
    if (signature.error().error != auth::SigV4Error::kMissing) {
      return Failure{ApiError{ErrorCode::kInvalidSignature, signature.error().detail}};
    }
  }
  return find_token(head.headers);
}

Result<const Caller*, ApiError> Authenticator::find_token(const http::Headers& headers) const {
  if (headers.find("Authorization") == nullptr) {
    if (has_certificates_) return &everybody_;
    return Failure{ApiError{ErrorCode::kMissingToken, {}}};
  }
  const Caller* caller = nullptr;
  if (const auto shown = BearerToken::shown_in(headers)) {
    for (const Token& token : tokens_) {
      if (token.token.equals(*shown)) caller = &token.caller;
    }
  }
  if (caller == nullptr) {
    return Failure{ApiError{ErrorCode::kInvalidToken, {}}};
  }
  return caller;
}

Result<const Caller*, ApiError> Authenticator::check_signature(
    const auth::SigV4Signature& signature, const http::RequestHead& head,
    const std::string* body) const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t now_s = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  ApiError error{ErrorCode::kInvalidToken, {}};
  for (const SigningKey& key : keys_) {
    if (key.id != signature.access_key_id) continue;
    if (body == nullptr) return &key.caller;
    const auto verified = auth::verify_sigv4(signature, key.secret, head, *body, now_s);
    if (verified) return &key.caller;
    error = {ErrorCode::kInvalidSignature, verified.error().detail};
  }
  return Failure{std::move(error)};
}

}  // namespace sockhook::management
