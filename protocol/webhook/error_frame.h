// Error frames: what a client reads when its message could not be handled (contract 5.1; A9).
//
// Pure functions, any thread.

#pragma once

#include <string>
#include <string_view>

namespace sockhook::webhook {

inline constexpr std::string_view kForbidden = "Forbidden";
inline constexpr std::string_view kInternalServerError = "Internal server error";
inline constexpr std::string_view kRequestTimedOut = "Endpoint request timed out";
inline constexpr std::string_view kTooManyRequests = "Too Many Requests";

// {"message": "Forbidden", "connectionId":"X", "requestId":"Y"} in API Gateway's very bytes.
std::string error_frame(std::string_view message, std::string_view connection_id,
                        std::string_view request_id);

}  // namespace sockhook::webhook
