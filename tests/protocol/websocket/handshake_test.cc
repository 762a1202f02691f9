#include "protocol/websocket/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sockhook::websocket {
namespace {

using ::testing::ElementsAre;

constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";

http::RequestHead handshake() {
  http::RequestHead request;
  request.method = "GET";
  request.target = "/chat";
  request.headers.add("Host", "example.com");
  request.headers.add("Upgrade", "websocket");
  request.headers.add("Connection", "Upgrade");
  request.headers.add("Sec-WebSocket-Key", kKey);
  request.headers.add("Sec-WebSocket-Version", "13");
  return request;
}

http::RequestHead handshake_with(std::string_view name, std::string_view value) {
  http::RequestHead request = handshake();
  request.headers.set(name, value);
  return request;
}

int refused_with(const http::RequestHead& request) {
  const auto refusal = check_upgrade(request);
  return refusal ? refusal->status : 0;
}

TEST(Handshake, TheAcceptKeyIsThatOfTheRfc) {
  EXPECT_EQ(accept_key(kKey), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Handshake, ACorrectOneIsAccepted) { EXPECT_EQ(refused_with(handshake()), 0); }

TEST(Handshake, TokensAreFoundInListsWhateverTheirCase) {
  http::RequestHead request = handshake_with("Connection", "keep-alive, UPGRADE");
  request.headers.set("Upgrade", "h2c, WebSocket");
  EXPECT_TRUE(is_websocket_request(request));
  EXPECT_EQ(refused_with(request), 0);
}

TEST(Handshake, OtherUpgradesAndPlainRequestsAreNoWebsocketRequests) {
  EXPECT_TRUE(is_websocket_request(handshake()));
  EXPECT_FALSE(is_websocket_request(handshake_with("Upgrade", "h2c")));
  EXPECT_FALSE(is_websocket_request(handshake_with("Upgrade", "websocket2")));
  EXPECT_FALSE(is_websocket_request(handshake_with("Connection", "keep-alive")));
}

TEST(Handshake, APlainRequestIs426) {
  http::RequestHead request = handshake_with("Connection", "keep-alive");
  const auto refusal = check_upgrade(request);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 426);
  EXPECT_EQ(refusal->header_name, "Upgrade");
  EXPECT_EQ(refusal->header_value, "websocket");
}

TEST(Handshake, AnotherVersionIs426AndNames13) {
  for (const char* version : {"8", "12", "14", "013", "13, 8", "x"}) {
    const auto refusal = check_upgrade(handshake_with("Sec-WebSocket-Version", version));
    ASSERT_TRUE(refusal) << version;
    EXPECT_EQ(refusal->status, 426);
    EXPECT_EQ(refusal->header_name, "Sec-WebSocket-Version");
    EXPECT_EQ(refusal->header_value, "13");
  }
}

TEST(Handshake, TheVersionMustBeGivenOnce) {
  http::RequestHead request = handshake();
  request.headers.remove("Sec-WebSocket-Version");
  EXPECT_EQ(refused_with(request), 400);
  request = handshake();
  request.headers.add("Sec-WebSocket-Version", "13");
  EXPECT_EQ(refused_with(request), 400);
}

TEST(Handshake, OtherMethodsAre405) {
  for (const char* method : {"POST", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get"}) {
    http::RequestHead request = handshake();
    request.method = method;
    const auto refusal = check_upgrade(request);
    ASSERT_TRUE(refusal) << method;
    EXPECT_EQ(refusal->status, 405);
    EXPECT_EQ(refusal->header_name, "Allow");
    EXPECT_EQ(refusal->header_value, "GET");
  }
}

TEST(Handshake, Http10Is400) {
  http::RequestHead request = handshake();
  request.minor_version = 0;
  EXPECT_EQ(refused_with(request), 400);
}

TEST(Handshake, ABodyIs400) {
  http::RequestHead request = handshake();
  request.framing = http::BodyFraming::of_length(0);
  EXPECT_EQ(refused_with(request), 0);
  request.framing = http::BodyFraming::of_length(1);
  EXPECT_EQ(refused_with(request), 400);
  request.framing = http::BodyFraming::chunked();
  EXPECT_EQ(refused_with(request), 400);
}

TEST(Handshake, TheKeyMustBe16BytesInBase64) {
  for (const char* key : {"", "short", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=",
                          "dGhlIHNhbXBsZSBub25jZSE=", "dGhlIHNhbXBsZSBub25jZ!==",
                          "dGhlIHNhbXBsZSBub25jZSEh", "dGhlIHNhbXBsZSBub25jZSBsb25nZXI="}) {
    EXPECT_EQ(refused_with(handshake_with("Sec-WebSocket-Key", key)), 400) << key;
  }
}

TEST(Handshake, TheKeyMustBeGivenOnce) {
  http::RequestHead request = handshake();
  request.headers.remove("Sec-WebSocket-Key");
  EXPECT_EQ(refused_with(request), 400);
  request = handshake();
  request.headers.add("Sec-WebSocket-Key", kKey);
  EXPECT_EQ(refused_with(request), 400);
}

TEST(Handshake, SubprotocolsAreCollectedOverAllLines) {
  http::RequestHead request = handshake();
  request.headers.add("Sec-WebSocket-Protocol", "a, b");
  request.headers.add("sec-websocket-protocol", "c");
  EXPECT_THAT(*offered_subprotocols(request), ElementsAre("a", "b", "c"));
  EXPECT_EQ(refused_with(request), 0);
}

TEST(Handshake, MalformedOrDuplicateSubprotocolsAre400) {
  EXPECT_EQ(refused_with(handshake_with("Sec-WebSocket-Protocol", "a,,b")), 400);
  EXPECT_EQ(refused_with(handshake_with("Sec-WebSocket-Protocol", "a, a")), 400);
  EXPECT_EQ(refused_with(handshake_with("Sec-WebSocket-Protocol", "")), 400);
}

}  // namespace
}  // namespace sockhook::websocket
