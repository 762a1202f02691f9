#include "protocol/webhook/lambda_event.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/http/header_rules.h"
#include "protocol/http/percent.h"
#include "protocol/http/target.h"
#include "protocol/webhook/base64.h"
#include "protocol/webhook/json_writer.h"
#include "protocol/webhook/request_id.h"
#include "protocol/webhook/timestamp.h"

namespace sockhook::webhook {

namespace {

// Names with all their values, in the order of their first appearance.
using MultiMap = std::vector<std::pair<std::string, std::vector<std::string>>>;

void add(MultiMap& map, std::string_view name, std::string_view value, bool ignoring_case) {
  const auto same = std::find_if(map.begin(), map.end(), [&](const auto& entry) {
    return ignoring_case ? http::equals_ignoring_case(entry.first, name) : entry.first == name;
  });
  if (same != map.end()) {
    same->second.emplace_back(value);
  } else {
    map.emplace_back(name, std::vector<std::string>{std::string(value)});
  }
}

// The single-value map keeps the last value, the other one all of them (A1).
void write_maps(ObjectWriter& event, std::string_view single_name, std::string_view multi_name,
                const MultiMap& map) {
  {
    ObjectWriter single(event.key(single_name));
    for (const auto& [name, values] : map) single.text(name, values.back());
  }
  ObjectWriter multi(event.key(multi_name));
  for (const auto& [name, values] : map) {
    std::string& out = multi.key(name);
    char separator = '[';
    for (const std::string& value : values) {
      out += std::exchange(separator, ',');
      append_json_string(out, value);
    }
    out += ']';
  }
}

std::string_view forwarded_port(const Event& event) {
  // The colons of an IPv6 address stand in brackets.
  const std::size_t colon = event.host.rfind(':');
  const std::size_t bracket = event.host.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon);
  if (has_port) return event.host.substr(colon + 1);
  return event.proto == "https" ? "443" : "80";
}

// "Root=1-<8 digits>-<24 digits>": the trace id of a traceparent as X-Ray writes it.
std::string xray_trace(std::string_view traceparent) {
  constexpr std::size_t kTraceIdAt = 3;
  if (traceparent.size() < kTraceIdAt + 32) return {};
  std::string root = "Root=1-";
  root.append(traceparent.substr(kTraceIdAt, 8));
  root += '-';
  root.append(traceparent.substr(kTraceIdAt + 8, 24));
  return root;
}

MultiMap connect_headers(const Event& event) {
  MultiMap map;
  http::Headers headers;
  if (event.handshake != nullptr) {
    headers = http::connect_headers(*event.handshake, http::ConnectFormat::kLambda);
  }
  if (!headers.contains("x-amzn-trace-id") && !event.traceparent.empty()) {
    headers.add("X-Amzn-Trace-Id", xray_trace(event.traceparent));
  }
  headers.add("X-Forwarded-For", event.client_address);
  headers.add("X-Forwarded-Port", forwarded_port(event));
  headers.add("X-Forwarded-Proto", event.proto);
  if (!event.client_subject.empty()) headers.add("Sockhook-Client-Subject", event.client_subject);
  if (!event.claims.empty()) headers.add("Sockhook-Claims", base64url(event.claims));
  for (const http::Header& field : headers) add(map, field.name, field.value, true);
  return map;
}

MultiMap disconnect_headers(const LambdaContext& context) {
  return {{"Host", {std::string(context.domain_name)}},
          {"x-api-key", {""}},
          {"X-Forwarded-For", {""}},
          {"x-restapi", {""}}};
}

std::string query_text(std::string_view undecoded) {
  auto decoded = http::decode_query_component(undecoded);
  return decoded ? std::move(*decoded) : std::string(undecoded);
}

MultiMap query_parameters(std::string_view query) {
  MultiMap map;
  http::QueryCursor cursor(query);
  while (const auto parameter = cursor.next()) {
    add(map, query_text(parameter->name), query_text(parameter->value), false);
  }
  return map;
}

void write_texts(ObjectWriter& object, const LambdaContext::Variables& texts) {
  for (const auto& [name, value] : texts) object.text(name, value);
}

void write_authorizer(ObjectWriter& request_context, const Event& event,
                      const LambdaContext& context) {
  LambdaContext::Variables entries;
  if (context.claims != nullptr) entries = *context.claims;
  // What these two say is ours to say, not the issuer's.
  entries.erase("principalId");
  entries.erase("state");
  if (!event.user.empty()) entries.emplace("principalId", event.user);
  if (!event.state.empty()) entries.emplace("state", event.state);
  if (entries.empty()) return;
  ObjectWriter authorizer(request_context.key("authorizer"));
  write_texts(authorizer, entries);
}

std::string_view event_type(EventKind kind) {
  switch (kind) {
    case EventKind::kConnect:
      return "CONNECT";
    case EventKind::kDisconnect:
      return "DISCONNECT";
    case EventKind::kMessage:
      break;
  }
  return "MESSAGE";
}

void write_request_context(std::string& out, const Event& event, const LambdaContext& context) {
  const std::string id = event_id(event);
  const std::string request_id = lambda_request_id(id);
  ObjectWriter object(out);
  object.text("routeKey", route_key(event));
  if (event.kind == EventKind::kMessage) object.text("messageId", lambda_message_id(id));
  object.text("eventType", event_type(event.kind));
  if (event.kind == EventKind::kDisconnect) {
    object.number("disconnectStatusCode", event.close_code);
    object.text("disconnectReason", lambda_close_reason(event.close_code, event.close_reason));
  }
  object.text("extendedRequestId", request_id);
  object.text("requestTime", access_log_time(event.time_ms));
  object.text("messageDirection", "IN");
  object.text("stage", context.stage);
  object.number("connectedAt", context.connected_at_ms);
  object.number("requestTimeEpoch", event.time_ms);
  {
    ObjectWriter identity(object.key("identity"));
    identity.text("userAgent", context.user_agent);
    identity.text("sourceIp", event.client_address);
  }
  object.text("requestId", request_id);
  object.text("domainName", context.domain_name);
  object.text("connectionId", event.connection_id);
  object.text("apiId", context.api_id);
  write_authorizer(object, event, context);
}

}  // namespace

std::string_view lambda_close_reason(std::uint16_t code, std::string_view reason) {
  if (!reason.empty()) return reason;
  if (code == 1000) return "Connection Closed Normally";
  if (code == 1005) return "Client-side close frame status not set";
  return reason;
}

std::string lambda_event(const Event& event, const LambdaContext& context) {
  std::string out;
  const bool is_message = event.kind == EventKind::kMessage;
  {
    ObjectWriter object(out);
    if (!is_message) {
      const bool is_connect = event.kind == EventKind::kConnect;
      write_maps(object, "headers", "multiValueHeaders",
                 is_connect ? connect_headers(event) : disconnect_headers(context));
      const MultiMap query = is_connect ? query_parameters(event.query) : MultiMap{};
      if (!query.empty()) {
        write_maps(object, "queryStringParameters", "multiValueQueryStringParameters", query);
      }
    }
    if (context.stage_variables != nullptr && !context.stage_variables->empty()) {
      ObjectWriter variables(object.key("stageVariables"));
      write_texts(variables, *context.stage_variables);
    }
    write_request_context(object.key("requestContext"), event, context);
    if (is_message && event.is_binary) object.text("body", base64(event.payload));
    if (is_message && !event.is_binary) object.text("body", event.payload);
    object.key("isBase64Encoded") += is_message && event.is_binary ? "true" : "false";
  }
  return out;
}

}  // namespace sockhook::webhook
