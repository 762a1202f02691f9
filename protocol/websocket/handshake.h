// The opening handshake of a server (RFC 6455 section 4.2), as checks on a parsed request head.
//
// Pure functions, any thread. Who decides on origin, path and subprotocol is not asked here.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/http/http_message.h"
#include "protocol/websocket/subprotocols.h"

namespace sockhook::websocket {

// Why a request cannot become a WebSocket, as the HTTP answer to it. All texts are static.
struct UpgradeRefusal {
  int status = 400;  // 400, 405 or 426
  std::string_view detail;
  // To be added to the answer when not empty, e.g. Sec-WebSocket-Version: 13.
  std::string_view header_name;
  std::string_view header_value;
};

// True when the request asks for an upgrade to "websocket", correctly or not. Everything else is
// plain HTTP, upgrades to other protocols included.
bool is_websocket_request(const http::RequestHead& request);

// Nothing when the request is a correct opening handshake. A request that is none at all is 426.
std::optional<UpgradeRefusal> check_upgrade(const http::RequestHead& request);

// What the client offers, over all its header lines; views into `request`. Nothing: malformed, 400.
std::optional<Subprotocols> offered_subprotocols(const http::RequestHead& request);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string accept_key(std::string_view key);

}  // namespace sockhook::websocket
