// Problem details (RFC 9457): the management API's errors (contract 6).
//
// Pure functions, any thread.

#pragma once

#include <string>
#include <string_view>

namespace sockhook::webhook {

inline constexpr std::string_view kProblemContentType = "application/problem+json";

// {"type":"about:blank","title":"Gone","status":410,"code":"gone","detail":"..."}; the title is the
// status' reason phrase; `detail` is left out when empty.
std::string problem_body(int status, std::string_view code, std::string_view detail);

}  // namespace sockhook::webhook
