// Retry-After (RFC 9110 section 10.2.3): seconds, or a date.

#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/http/http_message.h"

namespace sockhook::http {

// Nobody is believed who asks for more.
inline constexpr uint64_t kMaxRetryAfterMs = 5 * 60 * 1000;

// How long from `now_ms` (wall clock, since 1970) the value asks to wait, up to kMaxRetryAfterMs; 0
// for a time that is over, and for what is neither a number nor a date.
uint64_t parse_retry_after(std::string_view value, int64_t now_ms);

// The same for the answers that may ask: 429 and 503; 0 where they do not.
uint64_t retry_after_of(int status, const Headers& headers, int64_t now_ms);

}  // namespace sockhook::http
