#include "proxy/passthrough/translation.h"

#include <gtest/gtest.h>

namespace sockhook::passthrough {
namespace {

using http::BodyFraming;

class TranslationTest : public ::testing::Test {
 protected:
  TranslationTest() {
    head.method = "GET";
    head.target = "/page?q=1";
    head.headers.add("Host", "example.com");
    client.client = *http::IpAddress::parse("198.51.100.7");
    client.proto = "http";
    client.host = "example.com";
    url.authority = "127.0.0.1:3000";
  }

  std::string translate() {
    prepare_request(head, client, backend);
    return request_head(head, url);
  }
  bool has(const std::string& text, const std::string& line) {
    return text.find("\r\n" + line + "\r\n") != std::string::npos;
  }
  // Whether a header of that name is there, whatever its value.
  bool names(const std::string& text, const std::string& name) {
    return http::to_lower(text).find("\r\n" + http::to_lower(name) + ":") != std::string::npos;
  }

  http::RequestHead head;
  http::Forwarded client;
  conf::Backend backend;
  conf::BackendUrl url;
};

TEST_F(TranslationTest, KeepsTheTargetAndTheHostOfTheClient) {
  const std::string text = translate();
  EXPECT_EQ(text.rfind("GET /page?q=1 HTTP/1.1\r\n", 0), 0u) << text;
  EXPECT_TRUE(has(text, "Host: example.com"));
}

TEST_F(TranslationTest, PutsThePathPrefixOfTheUrlInFront) {
  url.path_prefix = "/app";
  EXPECT_EQ(translate().rfind("GET /app/page?q=1 HTTP/1.1\r\n", 0), 0u);
}

TEST_F(TranslationTest, AClientWithoutHostGetsThatOfTheBackend) {
  head.headers.remove("Host");
  client.host.clear();
  const std::string text = translate();
  EXPECT_TRUE(has(text, "Host: 127.0.0.1:3000"));
  EXPECT_FALSE(names(text, "X-Forwarded-Host"));
}

TEST_F(TranslationTest, RemovesHopByHopHeadersAndThoseThatConnectionNames) {
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"Connection", "X-Mine, Upgrade"},
                                                                  {"X-Mine", "1"},
                                                                  {"Upgrade", "h2c"},
                                                                  {"Keep-Alive", "1"},
                                                                  {"TE", "trailers"},
                                                                  {"Proxy-Authorization", "x"},
                                                                  {"Proxy-Connection", "x"}}) {
    head.headers.add(name, value);
  }
  const std::string text = translate();
  for (const char* name : {"Connection", "X-Mine", "Upgrade", "Keep-Alive", "TE",
                           "Proxy-Authorization", "Proxy-Connection"}) {
    EXPECT_FALSE(names(text, name)) << name;
  }
}

TEST_F(TranslationTest, RemovesWhatOnlyTheProxyMaySay) {
  const char* const names_of_ours[] = {"ce-id",           "CE-Type",    "Sockhook-State",
                                       "sockhook_claims", "webhook-id", "Webhook_Signature"};
  for (const char* name : names_of_ours) head.headers.add(name, "forged");
  const std::string text = translate();
  EXPECT_EQ(text.find("forged"), std::string::npos) << text;
}

TEST_F(TranslationTest, ReplacesForwardedHeaders) {
  for (const char* name : {"X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Forwarded-Proto",
                           "X-Forwarded-Host", "X-Forwarded-Port"}) {
    head.headers.add(name, "forged");
  }
  const std::string text = translate();
  EXPECT_EQ(text.find("forged"), std::string::npos) << text;
  EXPECT_TRUE(has(text, "X-Forwarded-For: 198.51.100.7"));
  EXPECT_TRUE(has(text, "X-Forwarded-Proto: http"));
  EXPECT_TRUE(has(text, "X-Forwarded-Host: example.com"));
}

TEST_F(TranslationTest, OverwritesOtherNamesOfTheClientsAddress) {
  head.headers.add("X-Real-IP", "203.0.113.1");
  head.headers.add("True_Client_IP", "203.0.113.1");
  const std::string text = translate();
  EXPECT_TRUE(has(text, "X-Real-IP: 198.51.100.7"));
  EXPECT_TRUE(has(text, "True_Client_IP: 198.51.100.7"));
}

TEST_F(TranslationTest, AddsItselfToVia) { EXPECT_TRUE(has(translate(), "Via: 1.1 sockhook")); }

TEST_F(TranslationTest, StandsLastInVia) {
  head.headers.add("Via", "1.1 cdn");
  head.headers.add("Via", "1.1 edge");
  const std::string text = translate();
  EXPECT_TRUE(has(text, "Via: 1.1 cdn, 1.1 edge, 1.1 sockhook")) << text;
}

TEST_F(TranslationTest, AddsTheBackendsHeadersInPlaceOfTheClients) {
  backend.headers = {{"X-Key", "secret"}};
  head.headers.add("X-Key", "guess");
  const std::string text = translate();
  EXPECT_TRUE(has(text, "X-Key: secret"));
  EXPECT_EQ(text.find("guess"), std::string::npos);
}

TEST_F(TranslationTest, FramesTheBodyAsItCame) {
  head.headers.add("Content-Length", "5");
  head.framing = BodyFraming::of_length(5);
  EXPECT_TRUE(has(translate(), "Content-Length: 5"));
  head.framing = BodyFraming::chunked();
  const std::string chunked = request_head(head, url);
  EXPECT_TRUE(has(chunked, "Transfer-Encoding: chunked"));
  EXPECT_FALSE(names(chunked, "Content-Length"));
  head.framing = BodyFraming::none();
  const std::string bodyless = request_head(head, url);
  EXPECT_FALSE(names(bodyless, "Transfer-Encoding"));
  EXPECT_FALSE(names(bodyless, "Content-Length"));
}

TEST_F(TranslationTest, AnEmptyBodyOfAPostKeepsItsLength) {
  head.framing = BodyFraming::of_length(0);
  EXPECT_TRUE(has(translate(), "Content-Length: 0"));
}

TEST_F(TranslationTest, PassesTheWishForA100OnlyWithABody) {
  head.headers.add("Expect", "100-continue");
  head.expects_continue = true;
  head.framing = BodyFraming::of_length(5);
  EXPECT_TRUE(has(translate(), "Expect: 100-continue"));
  head.framing = BodyFraming::none();
  EXPECT_FALSE(names(translate(), "Expect"));
}

TEST_F(TranslationTest, AnAnswerLosesItsHopByHopHeadersOnly) {
  http::Headers answer{{"Connection", "close, X-Mine"},
                       {"X-Mine", "1"},
                       {"Keep-Alive", "9"},
                       {"Set-Cookie", "a=1"},
                       {"Set-Cookie", "b=2"}};
  prepare_answer(answer);
  EXPECT_EQ(answer, (http::Headers{{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}}));
}

TEST_F(TranslationTest, KnowsWhichMethodsMayBeSentTwice) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
    EXPECT_TRUE(is_idempotent(method)) << method;
  }
  for (const char* method : {"POST", "PATCH", "get", "LOCK"}) {
    EXPECT_FALSE(is_idempotent(method)) << method;
  }
}

}  // namespace
}  // namespace sockhook::passthrough
