// TokenSource: where in a handshake tokens stand (contract 5.2, `from`): the Authorization header,
// a parameter of the query, a cookie, an offered subprotocol `bearer.TOKEN`.
//
// Parameters and subprotocols of that kind are taken out of the handshake, whatever becomes of it:
// nobody behind this sees them. Headers and cookies are the backend's too, and stay.
//
// Pure functions, any thread.

#pragma once

#include <string>
#include <vector>

#include "conf/endpoint.h"
#include "protocol/http/http_message.h"

namespace sockhook::client {

struct FoundToken {
  conf::Jwt::Source source;
  std::string text;  // never empty
};

// From all places that an issuer of the endpoint reads. A place may hold several.
std::vector<FoundToken> take_tokens(const std::vector<conf::Jwt>& issuers,
                                    http::RequestHead& handshake);

}  // namespace sockhook::client
