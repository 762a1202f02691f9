// BearerToken: a secret that somebody shows in the Authorization header (RFC 6750), kept and
// compared as its SHA-256 digest in constant time, so that neither its bytes nor its length can be
// timed.
//
// A value, any thread.

#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "protocol/http/http_message.h"

namespace sockhook::management {

class BearerToken {
 public:
  explicit BearerToken(std::string_view token);

  // The one that a request shows; nothing without exactly one Authorization header of this scheme.
  static std::optional<BearerToken> shown_in(const http::Headers& headers);

  bool equals(const BearerToken& other) const;

 private:
  std::array<unsigned char, 32> digest_;
};

}  // namespace sockhook::management
