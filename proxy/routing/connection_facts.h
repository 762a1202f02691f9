// ConnectionFacts: what is known of one connection and told to backends.
//
// Shared by the session, the webhooks under way and the $disconnect that may outlive it by a day.
// Thread: the session's worker; user and state change by answers of webhooks.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/http/cidr.h"
#include "protocol/webhook/connection_id.h"
#include "protocol/webhook/traceparent.h"
#include "proxy/routing/routing_table.h"

namespace sockhook::routing {

// A token's claims as texts, for the lambda format.
using FlatClaims = std::map<std::string, std::string, std::less<>>;

struct ConnectionFacts {
  webhook::ConnectionId id;
  EndpointPtr endpoint;
  http::IpAddress client;
  std::string client_text;  // of `client`: each webhook says it
  bool is_secure = false;   // the client spoke TLS, to us or to a trusted proxy
  std::string host;
  std::string user_agent;
  std::shared_ptr<const std::string> client_subject;  // of its certificate; null: it has shown none
  std::shared_ptr<const std::string> claims;      // of its token, JSON; only while $connect runs
  std::shared_ptr<const FlatClaims> flat_claims;  // null: not the lambda format, or no token
  std::string user;                               // empty: unknown
  std::string state;                              // Sockhook-State; empty: none
  std::string subprotocol;                        // negotiated; empty: none
  webhook::TraceContext trace;
  int64_t handshake_at_ms = 0;  // wall clock, as the next two
  int64_t connected_at_ms = 0;  // 0 while $connect runs
  int64_t last_active_at_ms = 0;
  // node.id of the dead node that held the connection; null: this node holds it.
  std::shared_ptr<const std::string> owner;

  std::string_view proto() const { return is_secure ? "https" : "http"; }
};

using FactsPtr = std::shared_ptr<const ConnectionFacts>;

}  // namespace sockhook::routing
