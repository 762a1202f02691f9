// WebhookRequest: the constant part of the requests to one route at one backend address; and the
// heads of such requests in both formats (contract 4, 4.1, 4.2, 4.4, 4.6).
//
// Made once per route and address of a Config; immutable, any thread. A head is complete, its empty
// line included: the body follows it in the same write.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http/http_message.h"
#include "protocol/webhook/event.h"
#include "protocol/webhook/signature.h"

namespace sockhook::webhook {

class WebhookRequest {
 public:
  // `target` is the route's path with the backend's prefix in front. `configured` goes with each
  // request and wins over a client's header of the same name; of it, what the proxy writes itself
  // (framing, hop-by-hop, forwarded, trace and reserved headers, Content-Type, Via) is left out,
  // and a Host replaces `authority`.
  // `user_agent` is "sockhook/VERSION".
  WebhookRequest(std::string_view target, std::string_view authority,
                 const http::Headers& configured, std::string_view user_agent);

  // What signs, and the wall clock of this try.
  struct Signing {
    const Signer* signer = nullptr;  // null: unsigned
    std::int64_t unix_seconds = 0;
  };

  // format: events. The body is `event.payload` for a message, else empty.
  void append_events_head(std::string& out, const Event& event, const Signing& signing) const;
  // format: lambda. `body` is what lambda_event() made of the event.
  void append_lambda_head(std::string& out, const Event& event, std::string_view body,
                          const Signing& signing) const;
  // A batch (contract 4.6). `body` is what a BatchWriter made; `id` is that of the request. No
  // trace: each event has its own.
  void append_batch_head(std::string& out, std::string_view id, std::string_view body,
                         const Signing& signing) const;

 private:
  bool is_configured(std::string_view lower_case_name) const;
  void append_request_line(std::string& out, std::string_view query) const;
  void append_common(std::string& out, const Event& event) const;
  void append_client_headers(std::string& out, const http::Headers& client) const;
  static void append_end(std::string& out, std::string_view id, std::string_view body,
                         const Signing& signing);

  std::string target_;
  std::string request_line_;
  std::string fixed_headers_;                  // Host and the configured ones
  std::vector<std::string> configured_names_;  // in lower case
  std::string user_agent_;
};

}  // namespace sockhook::webhook
