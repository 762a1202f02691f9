// Serialises heads, headers and chunks of HTTP/1.1 into a string.
//
// No byte that a header value carries can end the line that it stands in: CR, LF, NUL and other
// control characters are written as a space, and a field whose name is no token is left out.
// Callers that want an error instead ask is_token and is_field_value first.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http/http_message.h"

namespace sockhook::http {

// RFC 9110 5.6.2: methods, header names.
bool is_token(std::string_view text);
// RFC 9110 5.5: no control characters but HTAB; bytes above 0x7F are allowed.
bool is_field_value(std::string_view text);

// "name: value\r\n".
void write_header(std::string& out, std::string_view name, std::string_view value);
void write_header(std::string& out, std::string_view name, std::uint64_t value);
// All headers, without the empty line behind them.
void write_headers(std::string& out, const Headers& headers);
inline void end_head(std::string& out) { out += "\r\n"; }

// "POST /path HTTP/1.1\r\n". Spaces and control characters in `target` are percent-encoded.
void write_request_line(std::string& out, std::string_view method, std::string_view target);
// "HTTP/1.1 200 OK\r\n"; an empty `reason` stands for the registered phrase.
void write_status_line(std::string& out, int status, std::string_view reason = {});

// Line, headers and the empty line behind them.
void write_request_head(std::string& out, std::string_view method, std::string_view target,
                        const Headers& headers);
void write_response_head(std::string& out, int status, std::string_view reason,
                         const Headers& headers);

// The line in front of a chunk of `size` > 0 bytes; kChunkEnd goes behind its data.
void write_chunk_size(std::string& out, std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
// A whole chunk; nothing for empty data, which would end the body.
void write_chunk(std::string& out, std::string_view data);
void write_last_chunk(std::string& out, const Headers& trailers = {});

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7).
std::string http_date(std::int64_t unix_seconds);

}  // namespace sockhook::http
