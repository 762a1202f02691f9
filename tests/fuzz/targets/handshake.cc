// Opening handshakes: what is read out of a request's headers before anybody is asked.
//
// Checked: an accepted handshake has all that the RFC wants; agreed compression is within zlib's
// windows; offered subprotocols are different tokens; where tokens stood in the query or among the
// subprotocols none is left, and nothing else has gone; a kept trace is written as it was read;
// what goes to the backend is one request, and nobody's words in the names that only we may use.
//
// A request's head; the payload of a message behind an empty line.

#include "protocol/websocket/handshake.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "protocol/base/check.h"
#include "protocol/http/header_rules.h"
#include "protocol/http/percent.h"
#include "protocol/http/target.h"
#include "protocol/webhook/traceparent.h"
#include "protocol/webhook/webhook_request.h"
#include "protocol/websocket/deflate_offer.h"
#include "proxy/client/origin.h"
#include "proxy/client/token_source.h"
#include "tests/fuzz/http_input.h"

namespace {

using namespace sockhook;

void check_upgrade(const http::RequestHead& head) {
  const auto refusal = websocket::check_upgrade(head);
  if (refusal) {
    SOCKHOOK_CHECK(refusal->status == 400 || refusal->status == 405 || refusal->status == 426);
    return;
  }
  SOCKHOOK_CHECK(websocket::is_websocket_request(head));
  SOCKHOOK_CHECK(head.method == "GET" && head.minor_version == 1);
  SOCKHOOK_CHECK(*head.headers.find("Sec-WebSocket-Version") == "13");
  SOCKHOOK_CHECK(websocket::accept_key(*head.headers.find("Sec-WebSocket-Key")).size() == 28);
}

void check_offers(const http::RequestHead& head) {
  if (const auto offered = websocket::offered_subprotocols(head)) {
    const std::set<std::string_view> different(offered->begin(), offered->end());
    SOCKHOOK_CHECK(different.size() == offered->size());
    for (const std::string_view name : *offered) SOCKHOOK_CHECK(http::is_token(name));
  }
  for (const bool takeover : {false, true}) {
    const auto terms = websocket::accept_deflate_offer(head.headers, {.takeover = takeover});
    if (!terms) continue;
    SOCKHOOK_CHECK(terms->server_bits >= 9 && terms->server_bits <= 15);
    SOCKHOOK_CHECK(terms->client_bits >= 9 && terms->client_bits <= 15);
    SOCKHOOK_CHECK(takeover || (!terms->server_takeover && !terms->client_takeover));
    SOCKHOOK_CHECK(http::is_field_value(terms->to_header()));
  }
}

void check_tokens(http::RequestHead head) {
  conf::Jwt issuer;
  issuer.from = {{conf::Jwt::Source::Kind::kQuery, "access_token"},
                 {conf::Jwt::Source::Kind::kProtocol, {}},
                 {conf::Jwt::Source::Kind::kCookie, "session"},
                 {conf::Jwt::Source::Kind::kHeader, {}}};
  const std::size_t bytes = head.target.size();
  for (const client::FoundToken& token : client::take_tokens({issuer}, head)) {
    SOCKHOOK_CHECK(!token.text.empty());
  }
  SOCKHOOK_CHECK(head.target.size() <= bytes);
  const http::Target target = http::split_target(head.target);
  http::QueryCursor cursor(target.query);
  while (const auto parameter = cursor.next()) {
    SOCKHOOK_CHECK(http::decode_query_component(parameter->name) != "access_token");
  }
  for (const std::string_view line : head.headers.find_all("Sec-WebSocket-Protocol")) {
    std::string_view rest = line;
    while (const auto name = http::next_list_element(rest)) {
      SOCKHOOK_CHECK(!http::starts_with_ignoring_case(*name, "bearer."));
    }
  }
  const auto left = client::take_tokens({issuer}, head);
  SOCKHOOK_CHECK(std::none_of(left.begin(), left.end(), [](const client::FoundToken& token) {
    return token.source.kind == conf::Jwt::Source::Kind::kQuery ||
           token.source.kind == conf::Jwt::Source::Kind::kProtocol;
  }));
}

void check_trace(const http::Headers& headers) {
  const auto context = webhook::trace_of_handshake(headers, {1});
  SOCKHOOK_CHECK(context.tracestate.size() <= webhook::kMaxTracestateBytes);
  SOCKHOOK_CHECK(http::is_field_value(context.tracestate));
  const auto again = webhook::parse_traceparent(webhook::traceparent(context.trace, {2}));
  SOCKHOOK_CHECK(again == context.trace);
}

// What the backend reads of the $connect is one request, and in it each name of ours once.
void check_connect(const http::RequestHead& head) {
  static const webhook::WebhookRequest kRequest("/hook", "backend.example", {{"X-Key", "k"}},
                                                "sockhook/0");
  webhook::Event event;
  event.kind = webhook::EventKind::kConnect;
  event.connection_id = "ID";
  event.node = "gw-1";
  event.endpoint = "chat";
  event.client_address = "192.0.2.1";
  event.proto = "http";
  if (const std::string* host = head.headers.find("Host")) event.host = *host;
  event.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  event.handshake = &head.headers;
  event.query = http::split_target(head.target).query;
  std::string written;
  kRequest.append_events_head(written, event, {});
  fuzz::ReadRequest read;
  http::RequestParser parser(&read, {.head_bytes = std::size_t{1} << 20U, .header_count = 1000});
  const http::ParseResult result = parser.feed(written);
  SOCKHOOK_CHECK(result.state == http::ParseState::kComplete);
  SOCKHOOK_CHECK(result.consumed == written.size());
  SOCKHOOK_CHECK(read.head.method == "POST" && read.head.target.starts_with("/hook"));
  for (const char* name : {"ce-connectionid", "ce-id", "ce-type", "host", "content-length",
                           "x-forwarded-for", "traceparent", "x-key"}) {
    SOCKHOOK_CHECK(read.head.headers.count(name) == 1);
  }
  for (const http::Header& header : read.head.headers) {
    SOCKHOOK_CHECK(header.name.find('_') == std::string::npos);
    SOCKHOOK_CHECK(!http::starts_with_ignoring_case(header.name, "sockhook-"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto head = fuzz::read_request_head({reinterpret_cast<const char*>(data), size});
  if (!head) return 0;
  check_upgrade(*head);
  check_offers(*head);
  check_tokens(*head);
  check_trace(head->headers);
  check_connect(*head);
  if (const std::string* origin = head->headers.find("Origin")) {
    SOCKHOOK_CHECK(client::is_origin_allowed(*origin, {}));
    const bool is_allowed = client::is_origin_allowed(*origin, {"https://*.a.example"});
    if (is_allowed) SOCKHOOK_CHECK(http::to_lower(*origin).starts_with("https://"));
  }
  return 0;
}
