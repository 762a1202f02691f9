// Sec-WebSocket-Protocol (RFC 6455 sections 4.1, 4.2.2): what a client offers and what it is given.
//
// Pure functions, any thread.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sockhook::websocket {

// Names are compared case-sensitively, in the client's order of preference.
using Subprotocols = std::vector<std::string_view>;

// Adds what one header line offers; the names point into `line`. False, which is a 400, for an
// empty name, one that is no token (RFC 9110 section 5.6.2), and one that was offered before.
bool add_offered_subprotocols(std::string_view line, Subprotocols& offered);

bool is_offered(const Subprotocols& offered, std::string_view name);

// The first offered one that `allowed` lists; empty when there is none.
std::string_view choose_subprotocol(const Subprotocols& offered,
                                    std::span<const std::string> allowed);

}  // namespace sockhook::websocket
