// Ids that look like API Gateway's: 15 base64url characters and '=' (A7).
//
// Pure functions, any thread.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sockhook::webhook {

inline constexpr std::size_t kRequestIdRandomBytes = 11;

// For error frames of messages that have no event.
std::string request_id(const std::array<std::uint8_t, kRequestIdRandomBytes>& random);

// The requestId and the messageId of a lambda event follow from its event id, so that they are the
// same on every retry and from every node.
std::string lambda_request_id(std::string_view event_id);
std::string lambda_message_id(std::string_view event_id);

}  // namespace sockhook::webhook
