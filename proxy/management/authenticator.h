// Authenticator: who may call the management API (contract 6, "Authentication").
//
// Bearer tokens. Tokens are kept and compared as SHA-256 digests in constant time, each one always,
// so that neither their bytes nor their lengths nor their order can be timed.
// Without configured auth everybody has all access: the config validation has seen to it that only
// this machine can call.
//
// Owner: the ManagementApi. Immutable.

#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "conf/config.h"
#include "protocol/base/result.h"
#include "protocol/http/http_message.h"
#include "proxy/management/api_error.h"
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

  // The caller lives as long as the authenticator. Fails with kMissingToken or kInvalidToken.
  Result<const Caller*, ApiError> authenticate(const http::Headers& headers) const;

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Token {
    Digest digest;
    Caller caller;
  };

  static Digest digest_of(std::string_view token);

  const bool is_required_;
  std::vector<Token> tokens_;
  Caller everybody_;
};

}  // namespace sockhook::management
