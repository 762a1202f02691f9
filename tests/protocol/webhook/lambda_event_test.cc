#include "protocol/webhook/lambda_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "protocol/webhook/request_id.h"

namespace sockhook::webhook {
namespace {

using nlohmann::json;

constexpr std::int64_t kMoment = 1'707'487'903'123;
constexpr std::int64_t kConnected = 1'707'487'900'000;

const LambdaContext::Variables kVariables = {{"color", "blue"}, {"table", "rooms"}};
const LambdaContext::Variables kClaims = {{"principalId", "forged"}, {"role", "admin"}};

Event event_of(EventKind kind) {
  Event event;
  event.kind = kind;
  event.time_ms = kMoment;
  event.number = 1;
  event.connection_id = "CONN";
  event.route_key = "sendMessage";
  event.client_address = "203.0.113.7";
  event.proto = "https";
  event.host = "ws.example.com";
  event.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  return event;
}

LambdaContext context() {
  LambdaContext context;
  context.api_id = "sockhook";
  context.stage = "prod";
  context.domain_name = "ws.example.com";
  context.connected_at_ms = kConnected;
  context.user_agent = "Browser/1.0";
  return context;
}

// The literal with the ids that follow from the event's id in their places.
std::string with_ids(std::string text, std::string_view event_id) {
  const auto replace_all = [&](std::string_view what, const std::string& by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
      text.replace(at, what.size(), by);
    }
  };
  replace_all("<REQUEST>", lambda_request_id(event_id));
  replace_all("<MESSAGE>", lambda_message_id(event_id));
  return text;
}

TEST(LambdaEvent, OfConnectHasExactlyTheseBytes) {
  const http::Headers handshake = {{"Host", "ws.example.com"},
                                   {"Connection", "Upgrade"},
                                   {"Upgrade", "websocket"},
                                   {"Origin", "https://example.com"},
                                   {"Sec-WebSocket-Extensions", "permessage-deflate"},
                                   {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                   {"Sec-WebSocket-Version", "13"},
                                   {"User-Agent", "Browser/1.0"},
                                   {"X-Many", "1"},
                                   {"x-many", "2"},
                                   {"X-Forwarded-For", "forged"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &handshake;
  event.query = "token=a%20b+c&x=1&x=2&flag&bad=%zz";
  LambdaContext everything = context();
  everything.stage_variables = &kVariables;
  EXPECT_EQ(
      lambda_event(event, everything),
      with_ids(
          R"({"headers":{"Host":"ws.example.com","Origin":"https://example.com",)"
          R"("Sec-WebSocket-Extensions":"permessage-deflate",)"
          R"("Sec-WebSocket-Key":"dGhlIHNhbXBsZSBub25jZQ==","Sec-WebSocket-Version":"13",)"
          R"("User-Agent":"Browser/1.0","X-Many":"2",)"
          R"("X-Amzn-Trace-Id":"Root=1-0af76519-16cd43dd8448eb211c80319c",)"
          R"("X-Forwarded-For":"203.0.113.7","X-Forwarded-Port":"443","X-Forwarded-Proto":"https"},)"
          R"("multiValueHeaders":{"Host":["ws.example.com"],"Origin":["https://example.com"],)"
          R"("Sec-WebSocket-Extensions":["permessage-deflate"],)"
          R"("Sec-WebSocket-Key":["dGhlIHNhbXBsZSBub25jZQ=="],"Sec-WebSocket-Version":["13"],)"
          R"("User-Agent":["Browser/1.0"],"X-Many":["1","2"],)"
          R"("X-Amzn-Trace-Id":["Root=1-0af76519-16cd43dd8448eb211c80319c"],)"
          R"("X-Forwarded-For":["203.0.113.7"],"X-Forwarded-Port":["443"],)"
          R"("X-Forwarded-Proto":["https"]},)"
          R"("queryStringParameters":{"token":"a b c","x":"2","flag":"","bad":"%zz"},)"
          R"("multiValueQueryStringParameters":{"token":["a b c"],"x":["1","2"],"flag":[""],)"
          R"("bad":["%zz"]},)"
          R"("stageVariables":{"color":"blue","table":"rooms"},)"
          R"("requestContext":{"routeKey":"$connect","eventType":"CONNECT",)"
          R"("extendedRequestId":"<REQUEST>","requestTime":"09/Feb/2024:14:11:43 +0000",)"
          R"("messageDirection":"IN","stage":"prod","connectedAt":1707487900000,)"
          R"("requestTimeEpoch":1707487903123,)"
          R"("identity":{"userAgent":"Browser/1.0","sourceIp":"203.0.113.7"},)"
          R"("requestId":"<REQUEST>","domainName":"ws.example.com","connectionId":"CONN",)"
          R"("apiId":"sockhook"},"isBase64Encoded":false})",
          "CONN-0"));
}

TEST(LambdaEvent, OfConnectNamesTheSubjectOfTheClientsCertificate) {
  const http::Headers forged{{"Sockhook-Client-Subject", "CN=admin"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &forged;
  EXPECT_EQ(lambda_event(event, context()).find("Subject"), std::string::npos);
  event.client_subject = "CN=Ann";
  const std::string body = lambda_event(event, context());
  EXPECT_NE(body.find(R"("Sockhook-Client-Subject":"CN=Ann"})"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("Sockhook-Client-Subject":["CN=Ann"]})"), std::string::npos) << body;
}

TEST(LambdaEvent, OfConnectCarriesTheClaimsOfTheToken) {
  const http::Headers forged{{"Sockhook-Claims", "e30"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &forged;
  EXPECT_EQ(lambda_event(event, context()).find("Claims"), std::string::npos);
  event.claims = R"({"sub":"ada?>"})";
  const std::string body = lambda_event(event, context());
  EXPECT_NE(body.find(R"("Sockhook-Claims":"eyJzdWIiOiJhZGE_PiJ9"})"), std::string::npos) << body;
}

TEST(LambdaEvent, OfAMessageHasExactlyTheseBytes) {
  Event event = event_of(EventKind::kMessage);
  event.payload = "{\"action\":\"sendMessage\",\"t\":\"\xC3\xA4\n\"}";
  EXPECT_EQ(lambda_event(event, context()),
            with_ids(R"({"requestContext":{"routeKey":"sendMessage","messageId":"<MESSAGE>",)"
                     R"("eventType":"MESSAGE","extendedRequestId":"<REQUEST>",)"
                     R"("requestTime":"09/Feb/2024:14:11:43 +0000","messageDirection":"IN",)"
                     R"("stage":"prod","connectedAt":1707487900000,)"
                     R"("requestTimeEpoch":1707487903123,)"
                     R"("identity":{"userAgent":"Browser/1.0","sourceIp":"203.0.113.7"},)"
                     R"("requestId":"<REQUEST>","domainName":"ws.example.com",)"
                     R"("connectionId":"CONN","apiId":"sockhook"},)"
                     "\"body\":\"{\\\"action\\\":\\\"sendMessage\\\",\\\"t\\\":"
                     "\\\"\xC3\xA4\\n\\\"}\",\"isBase64Encoded\":false}",
                     "CONN-1"));
}

TEST(LambdaEvent, OfDisconnectHasExactlyTheseBytes) {
  Event event = event_of(EventKind::kDisconnect);
  event.close_code = 1001;
  event.user = "ada";
  event.state = "s=\"1\"";
  EXPECT_EQ(lambda_event(event, context()),
            with_ids(R"({"headers":{"Host":"ws.example.com","x-api-key":"",)"
                     R"("X-Forwarded-For":"","x-restapi":""},)"
                     R"("multiValueHeaders":{"Host":["ws.example.com"],"x-api-key":[""],)"
                     R"("X-Forwarded-For":[""],"x-restapi":[""]},)"
                     R"("requestContext":{"routeKey":"$disconnect","eventType":"DISCONNECT",)"
                     R"("disconnectStatusCode":1001,"disconnectReason":"",)"
                     R"("extendedRequestId":"<REQUEST>",)"
                     R"("requestTime":"09/Feb/2024:14:11:43 +0000","messageDirection":"IN",)"
                     R"("stage":"prod","connectedAt":1707487900000,)"
                     R"("requestTimeEpoch":1707487903123,)"
                     R"("identity":{"userAgent":"Browser/1.0","sourceIp":"203.0.113.7"},)"
                     R"("requestId":"<REQUEST>","domainName":"ws.example.com",)"
                     R"("connectionId":"CONN","apiId":"sockhook",)"
                     R"("authorizer":{"principalId":"ada","state":"s=\"1\""}},)"
                     R"("isBase64Encoded":false})",
                     "CONN-end"));
}

TEST(LambdaEvent, OfABinaryMessageIsBase64) {
  Event event = event_of(EventKind::kMessage);
  event.payload = std::string_view("\xFF\x00", 2);
  event.is_binary = true;
  EXPECT_THAT(lambda_event(event, context()),
              testing::EndsWith(R"("body":"/wA=","isBase64Encoded":true})"));
}

TEST(LambdaEvent, OfAnEmptyMessageHasAnEmptyBody) {
  EXPECT_THAT(lambda_event(event_of(EventKind::kMessage), context()),
              testing::EndsWith(R"("body":"","isBase64Encoded":false})"));
}

TEST(LambdaEvent, HasNoKeysForWhatIsNotThere) {
  const http::Headers handshake = {{"Host", "ws.example.com"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &handshake;
  const LambdaContext::Variables none;
  LambdaContext bare = context();
  bare.stage_variables = &none;
  bare.claims = &none;
  const json connect = json::parse(lambda_event(event, bare));
  for (const char* absent : {"queryStringParameters", "multiValueQueryStringParameters",
                             "stageVariables", "body", "path", "httpMethod"}) {
    EXPECT_FALSE(connect.contains(absent)) << absent;
  }
  EXPECT_FALSE(connect["requestContext"].contains("authorizer"));
  EXPECT_FALSE(connect["requestContext"].contains("messageId"));
  EXPECT_FALSE(connect["requestContext"].contains("disconnectStatusCode"));
  const json message = json::parse(lambda_event(event_of(EventKind::kMessage), bare));
  EXPECT_FALSE(message.contains("headers"));
  EXPECT_FALSE(message.contains("multiValueHeaders"));
}

TEST(LambdaEvent, HasStageVariablesInEveryEvent) {
  LambdaContext with_variables = context();
  with_variables.stage_variables = &kVariables;
  for (const EventKind kind : {EventKind::kConnect, EventKind::kMessage, EventKind::kDisconnect}) {
    const json event = json::parse(lambda_event(event_of(kind), with_variables));
    EXPECT_EQ(event["stageVariables"], (json{{"color", "blue"}, {"table", "rooms"}}));
  }
}

TEST(LambdaEvent, HasUserStateAndClaimsAsFlatStringsInTheAuthorizer) {
  Event event = event_of(EventKind::kMessage);
  event.user = "ada";
  LambdaContext with_claims = context();
  with_claims.claims = &kClaims;
  EXPECT_EQ(json::parse(lambda_event(event, with_claims))["requestContext"]["authorizer"],
            (json{{"principalId", "ada"}, {"role", "admin"}}))
      << "the user wins over a claim of that name";
  event.user = {};
  EXPECT_EQ(json::parse(lambda_event(event, with_claims))["requestContext"]["authorizer"],
            (json{{"role", "admin"}}))
      << "a claim names no user by itself";
  event.state = "s";
  EXPECT_EQ(json::parse(lambda_event(event, context()))["requestContext"]["authorizer"],
            (json{{"state", "s"}}));
}

TEST(LambdaEvent, TellsThePortThatTheClientAskedFor) {
  struct Case {
    const char* host;
    const char* proto;
    const char* port;
  };
  for (const Case& c : std::initializer_list<Case>{{"a.example", "http", "80"},
                                                   {"a.example", "https", "443"},
                                                   {"a.example:7080", "http", "7080"},
                                                   {"[::1]", "https", "443"},
                                                   {"[::1]:8443", "https", "8443"}}) {
    Event event = event_of(EventKind::kConnect);
    event.host = c.host;
    event.proto = c.proto;
    EXPECT_EQ(json::parse(lambda_event(event, context()))["headers"]["X-Forwarded-Port"], c.port)
        << c.host;
  }
}

TEST(LambdaEvent, IsJsonWhateverTheClientsHeadersHold) {
  const http::Headers handshake = {{"X-Latin", "caf\xE9 \"\t"}};
  Event event = event_of(EventKind::kConnect);
  event.handshake = &handshake;
  event.query = "a=%FF";
  const json parsed = json::parse(lambda_event(event, context()), nullptr, false);
  ASSERT_FALSE(parsed.is_discarded());
  EXPECT_EQ(parsed["headers"]["X-Latin"], "caf\xEF\xBF\xBD \"\t");
}

TEST(LambdaEvent, WordsCloseReasonsAsApiGateway) {
  EXPECT_EQ(lambda_close_reason(1005, ""), "Client-side close frame status not set");
  EXPECT_EQ(lambda_close_reason(1000, ""), "Connection Closed Normally");
  EXPECT_EQ(lambda_close_reason(1001, ""), "");
  EXPECT_EQ(lambda_close_reason(1001, "idle timeout"), "idle timeout");
  EXPECT_EQ(lambda_close_reason(1006, ""), "");
  EXPECT_EQ(lambda_close_reason(1000, "done"), "done");
}

}  // namespace
}  // namespace sockhook::webhook
