// The log lines of a connection's life. No payloads.

#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/webhook/event.h"
#include "proxy/observe/metrics.h"
#include "proxy/routing/connection_facts.h"

namespace sockhook::client {

// The access line of a finished connection.
void log_closed(const routing::ConnectionFacts& facts, uint16_t code, webhook::ClosedBy by,
                uint64_t messages);
// An answer of the backend that cannot be used. `request` is the event's id.
void log_backend_failure(const routing::ConnectionFacts& facts, std::string_view request,
                         int status, std::string_view why);
// The request id of an error frame can be found in the log.
void log_error_frame(const routing::ConnectionFacts& facts, std::string_view message,
                     std::string_view request_id);
void log_ignored_effect(const routing::ConnectionFacts& facts, std::string_view mistake);

observe::ClosedBy closer_label(webhook::ClosedBy by);

}  // namespace sockhook::client
