// Who the client is: the peer, or what trusted proxies in front of us say (contract 2,
// `trusted_proxies`).

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/http/cidr.h"
#include "protocol/http/http_message.h"

namespace sockhook::http {

struct Forwarded {
  IpAddress client;
  std::string proto;  // "http" or "https"
  std::string host;   // may be empty: HTTP/1.0 without Host
};

// From an untrusted peer nothing is believed. From a trusted one, X-Forwarded-For is read from the
// right: the first hop that is not trusted is the client; where all are trusted it is the
// left-most. A malformed entry ends the walk at the last hop that could be read. The last
// value of X-Forwarded-Proto and X-Forwarded-Host counts: the one that our neighbour wrote.
// `proto` is what the listener itself speaks.
Forwarded resolve_forwarded(const IpAddress& peer, const Headers& headers,
                            const std::vector<Cidr>& trusted, std::string_view proto);

}  // namespace sockhook::http
