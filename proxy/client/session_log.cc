#include "proxy/client/session_log.h"

#include "proxy/net/loop.h"
#include "proxy/observe/log.h"

namespace sockhook::client {

using observe::Level;
using observe::LogLine;

void log_closed(const routing::ConnectionFacts& facts, uint16_t code, webhook::ClosedBy by,
                uint64_t messages) {
  if (!observe::is_logged(Level::kInfo)) return;
  LogLine(Level::kInfo, "connection closed")
      .field("connection", facts.id.view())
      .field("trace", facts.trace.trace.id_text())
      .field("endpoint", facts.endpoint->conf.name)
      .optional_field("user", facts.user)
      .field("client", facts.client_text)
      .field("code", static_cast<int>(code))
      .field("by", webhook::to_string(by))
      .field("messages", messages)
      .field("duration_ms", net::Loop::wall_ms() - facts.connected_at_ms);
}

void log_backend_failure(const routing::ConnectionFacts& facts, std::string_view request,
                         int status, std::string_view why) {
  LogLine(Level::kWarn, "webhook failed")
      .field("connection", facts.id.view())
      .field("request", request)
      .field("trace", facts.trace.trace.id_text())
      .field("endpoint", facts.endpoint->conf.name)
      .field("status", status)
      .field("why", why);
}

void log_error_frame(const routing::ConnectionFacts& facts, std::string_view message,
                     std::string_view request_id) {
  LogLine(Level::kInfo, "error frame")
      .field("connection", facts.id.view())
      .field("request", request_id)
      .field("trace", facts.trace.trace.id_text())
      .field("endpoint", facts.endpoint->conf.name)
      .field("error", message);
}

void log_ignored_effect(const routing::ConnectionFacts& facts, std::string_view mistake) {
  LogLine(Level::kWarn, "malformed effect ignored")
      .field("connection", facts.id.view())
      .field("endpoint", facts.endpoint->conf.name)
      .field("mistake", mistake);
}

observe::ClosedBy closer_label(webhook::ClosedBy by) {
  switch (by) {
    case webhook::ClosedBy::kClient:
      return observe::ClosedBy::kClient;
    case webhook::ClosedBy::kBackend:
      return observe::ClosedBy::kBackend;
    case webhook::ClosedBy::kProxy:
      return observe::ClosedBy::kProxy;
  }
  return observe::ClosedBy::kProxy;
}

}  // namespace sockhook::client
