// Base64 (RFC 4648): the standard alphabet, and base64url without padding.
//
// Pure functions, any thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sockhook::webhook {

std::string base64(std::string_view bytes);
std::string base64url(std::string_view bytes);  // without padding

// Into memory of the caller: 4 characters for every 3 bytes begun, less the padding.
void encode_base64url(const std::uint8_t* bytes, std::size_t size, char* out);

// Strict: nullopt for other characters, a length that no bytes have, bits set behind the last byte,
// and padding other than complete or none (base64url: other than none).
std::optional<std::string> decode_base64(std::string_view text);
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace sockhook::webhook
