// The negotiation of permessage-deflate (RFC 7692 section 7.1).
//
// Pure functions, any thread.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/http/http_message.h"

namespace sockhook::websocket {

// What both sides have agreed on.
struct DeflateTerms {
  static constexpr int kMaxBits = 15;
  // zlib's raw deflate has no window of 8 bits.
  static constexpr int kMinBits = 9;

  bool server_takeover = false;  // our compressor goes on where the message before ended
  bool client_takeover = false;
  int server_bits = kMaxBits;  // of our compressor's window
  int client_bits = kMaxBits;

  // The value of Sec-WebSocket-Extensions in the answer.
  std::string to_header() const;
  friend bool operator==(const DeflateTerms&, const DeflateTerms&) = default;
};

// What we would agree to.
struct DeflateWishes {
  bool takeover = false;   // false: neither side keeps its window, so that it costs no memory
  int takeover_bits = 12;  // with takeover: of our own window, about 30 KB with its tables
};

// The first offer of the client that we can meet; nullopt where there is none, or the header is
// malformed: then the connection goes on without compression, as the RFC has it.
std::optional<DeflateTerms> accept_deflate_offer(const http::Headers& handshake,
                                                 const DeflateWishes& wishes);

}  // namespace sockhook::websocket
