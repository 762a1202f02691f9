// Percent-encoding (RFC 3986 2.1) in the three dialects that the contract needs.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sockhook::http {

// 0 to 15, or -1.
int hex_digit(char c);

// Strict: nullopt when a '%' is not followed by two hex digits. '+' stays '+'.
std::optional<std::string> percent_decode(std::string_view text);
// What browsers and backends do to a malformed escape: it stays as it is.
std::string percent_decode_leniently(std::string_view text);
// Strict, and '+' is a space: names and values of a query.
std::optional<std::string> decode_query_component(std::string_view text);

// Everything but unreserved characters is encoded: fit for one path segment or query value.
std::string percent_encode(std::string_view text);

// CloudEvents HTTP protocol binding 1.0.2, 3.1.3.2: space, double quote, percent and everything
// outside U+0021 to U+007E is encoded as the bytes of its UTF-8.
void append_cloudevents_value(std::string& out, std::string_view text);
std::string cloudevents_value(std::string_view text);

}  // namespace sockhook::http
