// Which header fields may cross the proxy, in which direction.
//
// Sources: RFC 9110 7.6.1 (hop by hop), 6.5.1 (trailers); contract 3.1, 4, 4.5.

#pragma once

#include <string_view>

#include "protocol/http/http_message.h"

namespace sockhook::http {

// Connection, Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE, Trailer,
// Transfer-Encoding, Upgrade. Fields that Connection names are hop by hop as well.
bool is_hop_by_hop(std::string_view name);
// Removes all of them, those that Connection names included.
void remove_hop_by_hop(Headers& headers);

// ce-*, sockhook-*, webhook-*, also spelt with `_`, which CGI-like backends cannot tell from `-`:
// what only the proxy may say to a backend.
bool is_reserved(std::string_view name);
void remove_reserved(Headers& headers);

// Forwarded and X-Forwarded-* (also with `_`).
bool is_forwarded(std::string_view name);

enum class ConnectFormat {
  kEvents,
  kLambda,  // Host and all Sec-WebSocket-* are part of the event (A8)
};
// The client's headers that go with $connect (contract 4, "Not passed on connect").
// What the proxy says itself (Host, Via, forwarded headers, traceparent) is the caller's to set.
Headers connect_headers(const Headers& handshake, ConnectFormat format);

// The end-to-end headers of a backend's answer, without sockhook-* and Content-Length (the writer
// frames the body anew).
Headers end_to_end_answer(const Headers& answer);

// Framing, routing, authentication and content fields, which a trailer must not set.
void remove_forbidden_trailers(Headers& trailers);

}  // namespace sockhook::http
