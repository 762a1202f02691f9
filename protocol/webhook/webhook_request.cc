#include "protocol/webhook/webhook_request.h"

#include <algorithm>

#include "protocol/http/header_rules.h"
#include "protocol/http/http_writer.h"
#include "protocol/http/percent.h"
#include "protocol/webhook/base64.h"
#include "protocol/webhook/timestamp.h"

namespace sockhook::webhook {

namespace {

constexpr std::string_view kVia = "1.1 sockhook";

// For names of our own and values that are safe: no check, no copy.
void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  http::append_cloudevents_value(out, value);
  out += "\r\n";
}

void append_known(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) http::write_header(out, name, value);
}

void append_attributes(std::string& out, const Event& event, std::string_view id) {
  append_line(out, "ce-specversion", "1.0");
  append_line(out, "ce-type", ce_type(event.kind));
  append_attribute(out, "ce-source", ce_source(event));
  append_line(out, "ce-id", id);
  append_line(out, "ce-time", rfc3339(event.time_ms));
  append_line(out, "ce-connectionid", event.connection_id);
  append_attribute(out, "ce-endpoint", event.endpoint);
  append_attribute(out, "ce-routekey", route_key(event));
  if (!event.user.empty()) append_attribute(out, "ce-userid", event.user);
  if (event.kind != EventKind::kDisconnect) return;
  append_line(out, "ce-closecode", std::to_string(event.close_code));
  if (!event.close_reason.empty()) append_attribute(out, "ce-closereason", event.close_reason);
  append_line(out, "ce-closedby", to_string(event.closed_by));
}

// Written anew for each event, whatever the client said.
bool is_own(std::string_view name) {
  return http::equals_ignoring_case(name, "via") ||
         http::equals_ignoring_case(name, "traceparent") ||
         http::equals_ignoring_case(name, "tracestate");
}

bool is_configurable(std::string_view name) {
  return !is_own(name) && !http::is_hop_by_hop(name) && !http::is_reserved(name) &&
         !http::is_forwarded(name) && !http::equals_ignoring_case(name, "content-length") &&
         !http::equals_ignoring_case(name, "content-type");
}

}  // namespace

WebhookRequest::WebhookRequest(std::string_view target, std::string_view authority,
                               const http::Headers& configured, std::string_view user_agent)
    : target_(target), user_agent_(user_agent) {
  http::write_request_line(request_line_, "POST", target);
  const std::string* host = configured.find("host");
  http::write_header(fixed_headers_, "Host", host != nullptr ? *host : authority);
  for (const http::Header& field : configured) {
    const std::string name = http::to_lower(field.name);
    if (name == "host" || !is_configurable(name)) continue;
    http::write_header(fixed_headers_, field.name, field.value);
    configured_names_.push_back(name);
  }
}

void WebhookRequest::append_events_head(std::string& out, const Event& event,
                                        const Signing& signing) const {
  const bool is_connect = event.kind == EventKind::kConnect;
  const std::string id = event_id(event);
  append_request_line(out, is_connect ? event.query : std::string_view{});
  append_common(out, event);
  append_attributes(out, event, id);
  append_known(out, "sockhook-state", event.state);
  append_known(out, "x-forwarded-for", event.client_address);
  append_known(out, "x-forwarded-proto", event.proto);
  append_known(out, "x-forwarded-host", event.host);
  if (is_connect) append_known(out, "sockhook-client-subject", event.client_subject);
  if (is_connect) append_known(out, "sockhook-claims", base64url(event.claims));
  if (is_connect && event.handshake != nullptr) append_client_headers(out, *event.handshake);
  std::string_view body;
  if (event.kind == EventKind::kMessage) {
    body = event.payload;
    http::write_header(out, "Content-Type", content_type(event));
  }
  append_end(out, id, body, signing);
}

void WebhookRequest::append_lambda_head(std::string& out, const Event& event, std::string_view body,
                                        const Signing& signing) const {
  append_request_line(out, {});
  append_common(out, event);
  append_line(out, "Content-Type", "application/json");
  append_end(out, event_id(event), body, signing);
}

void WebhookRequest::append_batch_head(std::string& out, std::string_view id, std::string_view body,
                                       const Signing& signing) const {
  append_request_line(out, {});
  append_common(out, {});
  append_line(out, "Content-Type", "application/cloudevents-batch+json");
  append_end(out, id, body, signing);
}

void WebhookRequest::append_request_line(std::string& out, std::string_view query) const {
  if (query.empty()) {
    out += request_line_;
    return;
  }
  std::string target = target_;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += query;
  http::write_request_line(out, "POST", target);
}

void WebhookRequest::append_common(std::string& out, const Event& event) const {
  out += fixed_headers_;
  const http::Headers* client =
      event.kind == EventKind::kConnect ? event.handshake : nullptr;  // null: none to name
  std::string via;
  std::string_view user_agent = user_agent_;
  if (client != nullptr) {
    for (const std::string_view hop : client->find_all("via")) via.append(hop).append(", ");
    const std::string* named = client->find("user-agent");
    user_agent = named != nullptr ? std::string_view(*named) : std::string_view{};
  }
  http::write_header(out, "Via", via.append(kVia));
  if (!is_configured("user-agent")) append_known(out, "User-Agent", user_agent);
  append_known(out, "traceparent", event.traceparent);
  append_known(out, "tracestate", event.tracestate);
}

void WebhookRequest::append_client_headers(std::string& out, const http::Headers& client) const {
  http::Headers passed = http::connect_headers(client, http::ConnectFormat::kEvents);
  passed.remove_if([&](const http::Header& field) {
    return is_own(field.name) || http::equals_ignoring_case(field.name, "user-agent") ||
           is_configured(http::to_lower(field.name));
  });
  http::write_headers(out, passed);
}

void WebhookRequest::append_end(std::string& out, std::string_view id, std::string_view body,
                                const Signing& signing) {
  if (signing.signer != nullptr) {
    signing.signer->append_headers(out, id, signing.unix_seconds, body);
  }
  http::write_header(out, "Content-Length", std::uint64_t{body.size()});
  http::end_head(out);
}

bool WebhookRequest::is_configured(std::string_view lower_case_name) const {
  return std::find(configured_names_.begin(), configured_names_.end(), lower_case_name) !=
         configured_names_.end();
}

}  // namespace sockhook::webhook
