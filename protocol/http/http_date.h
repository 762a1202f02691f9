// HTTP-date (RFC 9110 section 5.6.7) to seconds: the form of today and the two obsolete ones, which
// a recipient must understand too. http_writer.h writes dates.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sockhook::http {

// Seconds since 1970. `now_s` decides the century of a date with two digits for the year: it is at
// most 50 years ahead. Names of days are not compared with the date.
std::optional<int64_t> parse_http_date(std::string_view text, int64_t now_s);

}  // namespace sockhook::http
