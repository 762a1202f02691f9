// Event: one thing that happened to a connection and that a backend is told (contract 4).
//
// Everything that both formats need. All members are views: the caller keeps what they point to
// for the time of the call that takes the event. No thread.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http/http_message.h"

namespace sockhook::webhook {

enum class EventKind : std::uint8_t { kConnect, kMessage, kDisconnect };

enum class ClosedBy : std::uint8_t { kClient, kBackend, kProxy };
std::string_view to_string(ClosedBy by);

struct Event {
  EventKind kind = EventKind::kMessage;
  std::int64_t time_ms = 0;  // wall clock: when it happened, not of this try
  std::uint64_t number = 0;  // kMessage: 1 for the first that reaches a webhook

  std::string_view connection_id;
  std::string_view node;  // of the node that holds the connection
  std::string_view endpoint;
  std::string_view route_key;  // kMessage: a key or "$default"; others: not read
  std::string_view user;       // empty: unknown
  std::string_view state;      // empty: none

  // Of the handshake; empty: unknown (a disconnect sent by another node).
  std::string_view client_address;
  std::string_view proto;  // "http" or "https"
  std::string_view host;

  std::string_view traceparent;  // of this try's span
  std::string_view tracestate;   // empty: none

  // kConnect: what the client sent.
  const http::Headers* handshake = nullptr;
  std::string_view query;           // without '?'
  std::string_view client_subject;  // of its certificate, in ASCII; empty: it has shown none
  std::string_view claims;          // of its token, JSON; empty: none was asked for

  // kMessage.
  std::string_view payload;
  bool is_binary = false;
  bool is_json = false;           // the endpoint selects by body, and the message parsed as JSON
  std::string_view content_type;  // the route's own; empty: by the rules of contract 4.1

  // kDisconnect.
  std::uint16_t close_code = 0;
  std::string_view close_reason;
  ClosedBy closed_by = ClosedBy::kClient;
};

// CONNECTION-0, CONNECTION-7, CONNECTION-end: the same on every retry and from every node.
std::string event_id(const Event& event);
// "$connect", "$disconnect", or the message's.
std::string_view route_key(const Event& event);

// Of CloudEvents.
std::string_view ce_type(EventKind kind);
std::string ce_source(const Event& event);
// Of a message.
std::string_view content_type(const Event& event);

}  // namespace sockhook::webhook
