// The answers that a connection gives by itself, before any owner has seen a valid request: RFC
// 9457 problem details, as everywhere in the management API (contract 6).

#pragma once

#include <string>

#include "protocol/http/http_message.h"

namespace sockhook::http {

struct Refusal {
  Headers headers;
  std::string body;
};

// `reason`: one of our own texts or llhttp's; no bytes of the client's.
Refusal make_refusal(int status, const char* reason);

}  // namespace sockhook::http
