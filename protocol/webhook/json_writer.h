// Writes JSON piecemeal where the bytes matter: order of keys and spaces are the caller's.
//
// Pure functions, any thread.

#pragma once

#include <string>
#include <string_view>

namespace sockhook::webhook {

// A JSON string with its quotes. Only what RFC 8259 section 7 demands is escaped; bytes that are no
// UTF-8 become U+FFFD, so that the document stays valid whatever a client sent.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

}  // namespace sockhook::webhook
