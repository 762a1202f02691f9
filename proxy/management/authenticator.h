// Authenticator: who may call the management API (contract 6, "Authentication").
//
// Bearer tokens: each one is always compared, in constant time (bearer_token.h), so that their
// order cannot be timed either. AWS Signature Version 4: a key that is known by its id; several
// secrets may share one id while they are being exchanged. Client certificates: the listener's TLS
// lets nobody in without one, so whoever brings neither token nor signature is known by it, and may
// do all. Without configured auth everybody has all access: the config validation has seen to it
// that only this machine can call.
//
// Owner: the ManagementApi. Immutable.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.h"
#include "protocol/auth/sigv4.h"
#include "protocol/base/result.h"
#include "protocol/http/http_message.h"
#include "proxy/management/api_error.h"
#include "proxy/management/bearer_token.h"
#include "proxy/push/push_command.h"

namespace sockhook::management {

// What a call needs to be allowed.
enum class Access : std::uint8_t {
  kOpen,    // not even a token
  kAny,     // a token, whatever it may do
  kSend,    // POST of messages
  kRead,    // GET
  kManage,  // the rest
};

// What a token may do.
struct Caller {
  bool may_send = true;
  bool may_read = true;
  bool may_manage = true;
  push::Scope scope;  // null: all endpoints

  bool may(Access access) const;
  // True when the endpoint of that name is in reach.
  bool reaches(const std::string& endpoint) const;
};

class Authenticator {
 public:
  explicit Authenticator(const conf::Management& management);

  // The caller lives as long as the authenticator. Fails with kMissingToken, kInvalidToken or
  // kInvalidSignature. A signature covers the body: while that has not come (null) it is only
  // looked at for what cannot be right, so that a call can be refused, but not carried out.
  Result<const Caller*, ApiError> authenticate(const http::RequestHead& head,
                                               const std::string* body) const;

 private:
  struct Token {
    BearerToken token;
    Caller caller;
  };
  struct SigningKey {
    std::string id;
    std::string secret;
    Caller caller;
  };

  Result<const Caller*, ApiError> find_token(const http::Headers& headers) const;
  Result<const Caller*, ApiError> check_signature(const auth::SigV4Signature& signature,
                                                  const http::RequestHead& head,
                                                  const std::string* body) const;
  static Caller caller_of(const conf::Access& access);

  const bool is_required_;
  const bool has_certificates_;
  std::vector<Token> tokens_;
  std::vector<SigningKey> keys_;
  Caller everybody_;
};

}  // namespace sockhook::management
