// Close codes (RFC 6455 section 7.4 and the IANA registry) and the reason that goes with one.
//
// Pure functions, any thread.

#pragma once

#include <cstdint>
#include <string_view>

namespace sockhook::websocket::close_code {

constexpr uint16_t kNormal = 1000;
constexpr uint16_t kGoingAway = 1001;
constexpr uint16_t kProtocolError = 1002;
constexpr uint16_t kUnsupportedData = 1003;
constexpr uint16_t kNoStatus = 1005;  // never on the wire: a close frame without a body
constexpr uint16_t kAbnormal = 1006;  // never on the wire: no close frame came
constexpr uint16_t kInvalidPayload = 1007;
constexpr uint16_t kPolicyViolation = 1008;
constexpr uint16_t kMessageTooBig = 1009;
constexpr uint16_t kInternalError = 1011;
constexpr uint16_t kServiceRestart = 1012;

}  // namespace sockhook::websocket::close_code

namespace sockhook::websocket {

// True for the codes that may stand in a close frame, whoever sends it: 1000-1003, 1007-1014 and
// 3000-4999. The others are reserved, unassigned, or (1005, 1006, 1015) mean that there was no
// frame.
bool is_valid_close_code(uint16_t code);

// The longest prefix of `reason` that fits a close frame and ends on a character's border.
std::string_view truncate_close_reason(std::string_view reason);

}  // namespace sockhook::websocket
