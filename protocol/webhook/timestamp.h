// Points in time as text, in UTC. Wall clock in, as milliseconds since 1970.
//
// Pure functions, any thread; independent of the process's locale.

#pragma once

#include <cstdint>
#include <string>

namespace sockhook::webhook {

// "2024-02-09T14:11:43.123Z" (RFC 3339).
std::string rfc3339(std::int64_t unix_ms);
// "09/Feb/2024:14:11:43 +0000": requestTime of API Gateway (A7).
std::string access_log_time(std::int64_t unix_ms);

}  // namespace sockhook::webhook
