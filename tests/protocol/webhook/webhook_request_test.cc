#include "protocol/webhook/webhook_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sockhook::webhook {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kMoment = 1'707'487'903'123;
constexpr std::string_view kTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

WebhookRequest request(const http::Headers& configured = {}) {
  return {"/hooks/chat", "app:3000", configured, "sockhook/0.1.0"};
}

Event event_of(EventKind kind) {
  Event event;
  event.kind = kind;
  event.time_ms = kMoment;
  event.connection_id = "CONN";
  event.node = "gw-1";
  event.endpoint = "chat";
  event.client_address = "203.0.113.7";
  event.proto = "https";
  event.host = "ws.example.com";
  event.traceparent = kTraceparent;
  return event;
}

Event message(std::string_view payload) {
  Event event = event_of(EventKind::kMessage);
  event.number = 7;
  event.route_key = "sendMessage";
  event.payload = payload;
  return event;
}

std::string head(const Event& event, const WebhookRequest& route = request()) {
  std::string out;
  route.append_events_head(out, event, {});
  return out;
}

TEST(EventsRequest, ForAMessageHasExactlyTheseBytes) {
  Event event = message("{\"action\":\"sendMessage\"}");
  event.is_json = true;
  event.user = "ada";
  event.state = "room=1; \"x\" 50%";
  event.tracestate = "congo=t61";
  EXPECT_EQ(head(event),
            "POST /hooks/chat HTTP/1.1\r\n"
            "Host: app:3000\r\n"
            "Via: 1.1 sockhook\r\n"
            "User-Agent: sockhook/0.1.0\r\n"
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
            "tracestate: congo=t61\r\n"
            "ce-specversion: 1.0\r\n"
            "ce-type: io.sockhook.message\r\n"
            "ce-source: /nodes/gw-1/endpoints/chat\r\n"
            "ce-id: CONN-7\r\n"
            "ce-time: 2024-02-09T14:11:43.123Z\r\n"
            "ce-connectionid: CONN\r\n"
            "ce-endpoint: chat\r\n"
            "ce-routekey: sendMessage\r\n"
            "ce-userid: ada\r\n"
            "sockhook-state: room=1; \"x\" 50%\r\n"
            "x-forwarded-for: 203.0.113.7\r\n"
            "x-forwarded-proto: https\r\n"
            "x-forwarded-host: ws.example.com\r\n"
            "Content-Type: application/json\r\n"
            "Content-Length: 24\r\n"
            "\r\n");
}

TEST(EventsRequest, ForConnectCarriesTheClientsHeadersAndQuery) {
  const http::Headers handshake = {{"Host", "ws.example.com"},
                                   {"Connection", "Upgrade, X-Hop"},
                                   {"Upgrade", "websocket"},
                                   {"X-Hop", "1"},
                                   {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                   {"Sec-WebSocket-Version", "13"},
                                   {"Sec-WebSocket-Extensions", "permessage-deflate"},
                                   {"Sec-WebSocket-Protocol", "chat.v1, chat.v2"},
                                   {"Cookie", "session=1"},
                                   {"Authorization", "Bearer t"},
                                   {"Origin", "https://example.com"},
                                   {"User-Agent", "Browser/1.0"},
                                   {"Accept-Encoding", "gzip"},
                                   {"Accept-Language", "en"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &handshake;
  event.query = "token=a%20b&x";
  EXPECT_EQ(head(event),
            "POST /hooks/chat?token=a%20b&x HTTP/1.1\r\n"
            "Host: app:3000\r\n"
            "Via: 1.1 sockhook\r\n"
            "User-Agent: Browser/1.0\r\n"
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
            "ce-specversion: 1.0\r\n"
            "ce-type: io.sockhook.connect\r\n"
            "ce-source: /nodes/gw-1/endpoints/chat\r\n"
            "ce-id: CONN-0\r\n"
            "ce-time: 2024-02-09T14:11:43.123Z\r\n"
            "ce-connectionid: CONN\r\n"
            "ce-endpoint: chat\r\n"
            "ce-routekey: $connect\r\n"
            "x-forwarded-for: 203.0.113.7\r\n"
            "x-forwarded-proto: https\r\n"
            "x-forwarded-host: ws.example.com\r\n"
            "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n"
            "Cookie: session=1\r\n"
            "Authorization: Bearer t\r\n"
            "Origin: https://example.com\r\n"
            "Accept-Language: en\r\n"
            "Content-Length: 0\r\n"
            "\r\n");
}

TEST(EventsRequest, ForConnectOnlyNamesTheSubjectOfTheClientsCertificate) {
  const http::Headers forged{{"Sockhook-Client-Subject", "CN=admin"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &forged;
  EXPECT_THAT(head(event), Not(HasSubstr("ubject")));
  event.client_subject = "CN=Ann";
  EXPECT_THAT(head(event), HasSubstr("\r\nsockhook-client-subject: CN=Ann\r\n"));
  EXPECT_THAT(head(event), Not(HasSubstr("admin")));
  event.kind = EventKind::kMessage;
  EXPECT_THAT(head(event), Not(HasSubstr("ubject")));
}

TEST(EventsRequest, ForConnectOnlyCarriesTheClaimsOfTheToken) {
  const http::Headers forged{{"Sockhook-Claims", "e30"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &forged;
  EXPECT_THAT(head(event), Not(HasSubstr("laims")));
  event.claims = R"({"sub":"ada?>"})";
  EXPECT_THAT(head(event), HasSubstr("\r\nsockhook-claims: eyJzdWIiOiJhZGE_PiJ9\r\n"));
  EXPECT_THAT(head(event), Not(HasSubstr("e30\r\n")));
  event.kind = EventKind::kMessage;
  EXPECT_THAT(head(event), Not(HasSubstr("laims")));
}

TEST(EventsRequest, ForDisconnectSaysHowTheConnectionEnded) {
  Event event = event_of(EventKind::kDisconnect);
  event.close_code = 4001;
  event.close_reason = "bye \xC3\xA4\"%";
  event.closed_by = ClosedBy::kBackend;
  EXPECT_EQ(head(event),
            "POST /hooks/chat HTTP/1.1\r\n"
            "Host: app:3000\r\n"
            "Via: 1.1 sockhook\r\n"
            "User-Agent: sockhook/0.1.0\r\n"
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
            "ce-specversion: 1.0\r\n"
            "ce-type: io.sockhook.disconnect\r\n"
            "ce-source: /nodes/gw-1/endpoints/chat\r\n"
            "ce-id: CONN-end\r\n"
            "ce-time: 2024-02-09T14:11:43.123Z\r\n"
            "ce-connectionid: CONN\r\n"
            "ce-endpoint: chat\r\n"
            "ce-routekey: $disconnect\r\n"
            "ce-closecode: 4001\r\n"
            "ce-closereason: bye%20%C3%A4%22%25\r\n"
            "ce-closedby: backend\r\n"
            "x-forwarded-for: 203.0.113.7\r\n"
            "x-forwarded-proto: https\r\n"
            "x-forwarded-host: ws.example.com\r\n"
            "Content-Length: 0\r\n"
            "\r\n");
}

TEST(EventsRequest, ForDisconnectLeavesOutWhatIsNotKnown) {
  Event event = event_of(EventKind::kDisconnect);
  event.close_code = 1006;
  event.closed_by = ClosedBy::kProxy;
  event.client_address = event.proto = event.host = {};
  const std::string text = head(event);
  EXPECT_THAT(text, HasSubstr("ce-closecode: 1006\r\nce-closedby: proxy\r\n"));
  for (const char* absent : {"ce-closereason", "ce-userid", "sockhook-state", "x-forwarded",
                             "tracestate", "Content-Type"}) {
    EXPECT_THAT(text, Not(HasSubstr(absent)));
  }
}

TEST(EventsRequest, NamesTheCloserOnDisconnectOnly) {
  EXPECT_THAT(head(message("x")), Not(HasSubstr("ce-close")));
  Event event = event_of(EventKind::kDisconnect);
  event.close_code = 1005;
  EXPECT_THAT(head(event), HasSubstr("ce-closedby: client\r\n"));
}

TEST(EventsRequest, PercentEncodesValuesAsCloudEventsDoes) {
  Event event = message("x");
  event.user = "J\xC3\xBCrgen \"50%\"";
  event.route_key = "\xE2\x82\xAC uro";
  event.endpoint = "a b";
  const std::string text = head(event);
  EXPECT_THAT(text, HasSubstr("ce-userid: J%C3%BCrgen%20%2250%25%22\r\n"));
  EXPECT_THAT(text, HasSubstr("ce-routekey: %E2%82%AC%20uro\r\n"));
  EXPECT_THAT(text, HasSubstr("ce-endpoint: a%20b\r\n"));
  EXPECT_THAT(text, HasSubstr("ce-source: /nodes/gw-1/endpoints/a%20b\r\n"));
}

TEST(EventsRequest, NamesTheContentByWhatTheMessageIs) {
  Event event = message("x");
  EXPECT_THAT(head(event), HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  event.is_json = true;
  EXPECT_THAT(head(event), HasSubstr("Content-Type: application/json\r\n"));
  event.is_binary = true;
  EXPECT_THAT(head(event), HasSubstr("Content-Type: application/octet-stream\r\n"));
  event.content_type = "application/x-protobuf";
  EXPECT_THAT(head(event), HasSubstr("Content-Type: application/x-protobuf\r\n"));
}

TEST(EventsRequest, LetsNoClientForgeWhatTheProxySays) {
  const http::Headers handshake = {{"ce-id", "forged"},
                                   {"CE-Type", "forged"},
                                   {"sockhook-state", "forged"},
                                   {"Webhook-Signature", "forged"},
                                   {"X-Real-IP", "forged"},
                                   {"True-Client-IP", "forged"},
                                   {"X-Forwarded-For", "forged"},
                                   {"X-Forwarded-Anything", "forged"},
                                   {"Forwarded", "forged"},
                                   {"traceparent", "forged"},
                                   {"tracestate", "forged"},
                                   {"X_Under", "forged"},
                                   {"Content-Length", "forged"},
                                   {"Content-Type", "forged"},
                                   {"Transfer-Encoding", "forged"},
                                   {"Expect", "forged"},
                                   {"Range", "forged"},
                                   {"If-None-Match", "forged"},
                                   {"TE", "forged"},
                                   {"Keep-Alive", "forged"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &handshake;
  EXPECT_THAT(head(event), Not(HasSubstr("forged")));
}

TEST(EventsRequest, ForConnectHasTheClientsUserAgentOrNone) {
  http::Headers handshake = {{"user-agent", "Browser/1.0"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &handshake;
  EXPECT_THAT(head(event), HasSubstr("User-Agent: Browser/1.0\r\n"));
  EXPECT_THAT(head(event), Not(HasSubstr("sockhook/0.1.0")));
  event.kind = EventKind::kMessage;
  EXPECT_THAT(head(event), HasSubstr("User-Agent: sockhook/0.1.0\r\n"));
  event.kind = EventKind::kConnect;
  handshake.clear();
  EXPECT_THAT(head(event), Not(HasSubstr("User-Agent")));
}

TEST(EventsRequest, AddsItselfToTheClientsVia) {
  const http::Headers handshake = {{"Via", "1.1 cdn, 1.0 old"}, {"via", "2 edge"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &handshake;
  EXPECT_THAT(head(event), HasSubstr("Via: 1.1 cdn, 1.0 old, 2 edge, 1.1 sockhook\r\n"));
}

TEST(EventsRequest, AddsTheBackendsHeadersAndLetsNoClientReplaceThem) {
  const auto route = request({{"X-Internal", "yes"},
                              {"User-Agent", "ours/1"},
                              {"Content-Length", "99"},
                              {"Content-Type", "no"},
                              {"ce-id", "no"},
                              {"Connection", "no"}});
  const http::Headers handshake = {{"x-internal", "forged"}, {"User-Agent", "forged"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &handshake;
  const std::string text = head(event, route);
  EXPECT_THAT(text, HasSubstr("Host: app:3000\r\nX-Internal: yes\r\nUser-Agent: ours/1\r\nVia: "));
  EXPECT_THAT(text, Not(HasSubstr("forged")));
  EXPECT_THAT(text, Not(HasSubstr(": no\r\n")));
  EXPECT_THAT(text, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(head(message("x"), request({{"Host", "virtual"}})),
              testing::StartsWith("POST /hooks/chat HTTP/1.1\r\nHost: virtual\r\nVia"));
}

TEST(EventsRequest, JoinsTheQueryToATargetThatHasOne) {
  const WebhookRequest route("/hook?key=1", "app", {}, "sockhook/0.1.0");
  Event event = event_of(EventKind::kConnect);
  event.query = "a=b";
  EXPECT_THAT(head(event, route), testing::StartsWith("POST /hook?key=1&a=b HTTP/1.1\r\n"));
  event.query = {};
  EXPECT_THAT(head(event, route), testing::StartsWith("POST /hook?key=1 HTTP/1.1\r\n"));
}

TEST(EventsRequest, IsSignedOverItsIdTimeAndBody) {
  const Signer signer({"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
  std::string out;
  request().append_events_head(out, message("body"), {&signer, 1'700'000'000});
  EXPECT_THAT(out, HasSubstr("webhook-id: CONN-7\r\nwebhook-timestamp: 1700000000\r\n"
                             "webhook-signature: " +
                             signer.sign("CONN-7", 1'700'000'000, "body") + "\r\n"));
  out.clear();
  request().append_events_head(out, event_of(EventKind::kDisconnect), {&signer, 1'700'000'000});
  EXPECT_THAT(out, HasSubstr(signer.sign("CONN-end", 1'700'000'000, "")));
}

TEST(LambdaRequest, PostsTheEventAsJson) {
  const Signer signer({"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
  std::string out;
  request().append_lambda_head(out, message("x"), "{\"body\":1}", {&signer, 1'700'000'000});
  EXPECT_EQ(out,
            "POST /hooks/chat HTTP/1.1\r\n"
            "Host: app:3000\r\n"
            "Via: 1.1 sockhook\r\n"
            "User-Agent: sockhook/0.1.0\r\n"
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
            "Content-Type: application/json\r\n"
            "webhook-id: CONN-7\r\n"
            "webhook-timestamp: 1700000000\r\n"
            "webhook-signature: " +
                signer.sign("CONN-7", 1'700'000'000, "{\"body\":1}") +
                "\r\n"
                "Content-Length: 10\r\n"
                "\r\n");
}

TEST(LambdaRequest, ForConnectHasTheQueryInTheEventOnly) {
  Event event = event_of(EventKind::kConnect);
  event.query = "a=b";
  std::string out;
  request().append_lambda_head(out, event, "{}", {});
  EXPECT_THAT(out, testing::StartsWith("POST /hooks/chat HTTP/1.1\r\n"));
}

}  // namespace
}  // namespace sockhook::webhook
