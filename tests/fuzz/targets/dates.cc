// Dates, and how long a backend asks to be left alone (Retry-After).
//
// Checked: nobody is believed beyond the limit; a date that we write is read as what it was; one
// that is read and written again is read as the same.

#include <cstdint>
#include <string>

#include "protocol/base/check.h"
#include "protocol/http/http_date.h"
#include "protocol/http/http_writer.h"
#include "protocol/http/retry_after.h"

using namespace sockhook::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t kNow = 1767268800;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  SOCKHOOK_CHECK(parse_retry_after(text, kNow * 1000) <= kMaxRetryAfterMs);
  if (const auto seconds = parse_http_date(text, kNow)) {
    // A leap second may lead out of the years of four digits.
    constexpr std::int64_t kYear10000 = 253402300800;
    if (*seconds >= 0 && *seconds < kYear10000)
      SOCKHOOK_CHECK(parse_http_date(http_date(*seconds), kNow) == seconds);
  }
  return 0;
}
