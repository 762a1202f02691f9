#include "protocol/http/retry_after.h"

#include <algorithm>
#include <optional>
#include <string>

#include "protocol/http/http_date.h"

namespace sockhook::http {
namespace {

constexpr int64_t kMsPerSecond = 1000;

// delay-seconds = 1*DIGIT, as many as one likes.
uint64_t seconds_to_ms(std::string_view digits) {
  constexpr uint64_t kMaxSeconds = kMaxRetryAfterMs / kMsPerSecond;
  uint64_t seconds = 0;
  for (const char digit : digits) {
    seconds = std::min(seconds * 10 + static_cast<uint64_t>(digit - '0'), kMaxSeconds);
  }
  return seconds * kMsPerSecond;
}

}  // namespace

uint64_t parse_retry_after(std::string_view value, int64_t now_ms) {
  const bool is_number = !value.empty() && std::all_of(value.begin(), value.end(),
                                                       [](char c) { return c >= '0' && c <= '9'; });
  if (is_number) return seconds_to_ms(value);
  const std::optional<int64_t> at_s = parse_http_date(value, now_ms / kMsPerSecond);
  if (!at_s) return 0;
  constexpr auto kMax = static_cast<int64_t>(kMaxRetryAfterMs);
  return static_cast<uint64_t>(std::clamp<int64_t>(*at_s * kMsPerSecond - now_ms, 0, kMax));
}

uint64_t retry_after_of(int status, const Headers& headers, int64_t now_ms) {
  if (status != 429 && status != 503) return 0;
  const std::string* const value = headers.find("Retry-After");
  return value != nullptr ? parse_retry_after(*value, now_ms) : 0;
}

}  // namespace sockhook::http
