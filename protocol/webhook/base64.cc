#include "protocol/webhook/base64.h"

#include <array>

namespace sockhook::webhook {

namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::int8_t kNone = -1;

using Digits = std::array<std::int8_t, 256>;

constexpr Digits digits_of(std::string_view alphabet) {
  Digits digits{};
  digits.fill(kNone);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return digits;
}

constexpr Digits kStandardDigits = digits_of(kStandard);
constexpr Digits kUrlDigits = digits_of(kUrl);

std::size_t encoded_size(std::size_t bytes) { return (bytes * 4 + 2) / 3; }

void encode(std::string_view alphabet, const std::uint8_t* bytes, std::size_t size, char* out) {
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (std::size_t i = 0; i < size; ++i) {
    bits = bits << 8U | bytes[i];
    count += 8;
    while (count >= 6) {
      count -= 6;
      *out++ = alphabet[bits >> count & 0x3FU];
    }
  }
  if (count > 0) *out = alphabet[bits << (6 - count) & 0x3FU];
}

std::string encode(std::string_view alphabet, std::string_view bytes) {
  std::string out(encoded_size(bytes.size()), '\0');
  encode(alphabet, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), out.data());
  return out;
}

// Without its padding; nullopt when there is some, but not as much as belongs there.
std::optional<std::string_view> unpadded(std::string_view text) {
  const std::size_t length = text.find('=');
  if (length == std::string_view::npos) return text;
  const std::string_view padding = text.substr(length);
  const bool is_complete = text.size() % 4 == 0 && (padding == "=" || padding == "==");
  return is_complete ? std::optional(text.substr(0, length)) : std::nullopt;
}

std::optional<std::string> decode(const Digits& digits, std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::int8_t digit = digits[static_cast<unsigned char>(c)];
    if (digit == kNone) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xFFU);
    }
  }
  const std::uint32_t left_over = bits & ((1U << count) - 1U);
  if (left_over != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text = encode(kStandard, bytes);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::string base64url(std::string_view bytes) { return encode(kUrl, bytes); }

void encode_base64url(const std::uint8_t* bytes, std::size_t size, char* out) {
  encode(kUrl, bytes, size, out);
}

std::optional<std::string> decode_base64(std::string_view text) {
  const auto digits = unpadded(text);
  return digits ? decode(kStandardDigits, *digits) : std::nullopt;
}

std::optional<std::string> decode_base64url(std::string_view text) {
  return decode(kUrlDigits, text);
}

}  // namespace sockhook::webhook
