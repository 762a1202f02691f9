#include "protocol/http/header_rules.h"

#include <gtest/gtest.h>

namespace sockhook::http {
namespace {

TEST(HeaderRules, HopByHopFieldsAndThoseThatConnectionNamesAreRemoved) {
  Headers headers{{"Connection", "close, X-Mine"},
                  {"Keep-Alive", "5"},
                  {"Proxy-Connection", "x"},
                  {"Proxy-Authenticate", "x"},
                  {"Proxy-Authorization", "x"},
                  {"TE", "trailers"},
                  {"Trailer", "x"},
                  {"Transfer-Encoding", "chunked"},
                  {"Upgrade", "x"},
                  {"x-mine", "1"},
                  {"X-Other", "2"},
                  {"Content-Length", "3"}};
  remove_hop_by_hop(headers);
  EXPECT_EQ(headers, (Headers{{"X-Other", "2"}, {"Content-Length", "3"}}));
}

TEST(HeaderRules, WhatOnlyTheProxyMaySayIsRemovedInEverySpelling) {
  Headers headers{{"CE-Type", "x"},
                  {"ce_id", "x"},
                  {"Sockhook-State", "x"},
                  {"sockhook_user", "x"},
                  {"Webhook-Signature", ""},
                  {"webhook_id", "x"},
                  {"Cell", "1"},
                  {"X-Ce-Id", "2"},
                  {"Sockhook", "3"}};
  remove_reserved(headers);
  EXPECT_EQ(headers, (Headers{{"Cell", "1"}, {"X-Ce-Id", "2"}, {"Sockhook", "3"}}));
}

TEST(HeaderRules, ConnectCarriesTheClientsOwnHeadersOnly) {
  const Headers handshake{{"Host", "a"},
                          {"Connection", "Upgrade, X-Hop"},
                          {"Upgrade", "websocket"},
                          {"X-Hop", "x"},
                          {"Sec-WebSocket-Key", "x"},
                          {"Sec-WebSocket-Version", "13"},
                          {"Sec-WebSocket-Extensions", "x"},
                          {"Sec-WebSocket-Protocol", "chat"},
                          {"Cookie", "session=1"},
                          {"Authorization", "Bearer t"},
                          {"User-Agent", "Browser"},
                          {"Origin", "https://a"},
                          {"Accept-Encoding", "gzip"},
                          {"Content-Length", "0"},
                          {"Content-Type", "x"},
                          {"Expect", "100-continue"},
                          {"Range", "x"},
                          {"If-None-Match", "x"},
                          {"Under_Score", "x"},
                          {"ce-id", "x"},
                          {"sockhook-state", "x"},
                          {"webhook-id", "x"},
                          {"X-Real-IP", "x"},
                          {"True-Client-IP", "x"},
                          {"Forwarded", "for=x"},
                          {"X-Forwarded-For", "x"},
                          {"X-Forwarded-Proto", "x"},
                          {"X-Forwarded-Host", "x"},
                          {"X-Forwarded-Client-Cert", "x"}};
  EXPECT_EQ(connect_headers(handshake, ConnectFormat::kEvents),
            (Headers{{"Sec-WebSocket-Protocol", "chat"},
                     {"Cookie", "session=1"},
                     {"Authorization", "Bearer t"},
                     {"User-Agent", "Browser"},
                     {"Origin", "https://a"}}));
  const Headers lambda = connect_headers(handshake, ConnectFormat::kLambda);
  for (const char* const name : {"Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
                                 "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"}) {
    EXPECT_TRUE(lambda.contains(name)) << name;
  }
  EXPECT_FALSE(lambda.contains("X-Forwarded-For"));
  EXPECT_FALSE(lambda.contains("Upgrade"));
}

TEST(HeaderRules, AnAnswersEndToEndHeadersGoOn) {
  const Headers answer{{"Content-Type", "a"},
                       {"Content-Length", "5"},
                       {"Connection", "x"},
                       {"X", "1"},
                       {"Sockhook-State", "s"},
                       {"Set-Cookie", "a"},
                       {"Transfer-Encoding", "chunked"},
                       {"Set-Cookie", "b"}};
  EXPECT_EQ(end_to_end_answer(answer),
            (Headers{{"Content-Type", "a"}, {"Set-Cookie", "a"}, {"Set-Cookie", "b"}}));
}

TEST(HeaderRules, TrailersCannotSetFramingRoutingOrIdentity) {
  Headers trailers{{"Content-Length", "5"}, {"Host", "a"},          {"Authorization", "x"},
                   {"Set-Cookie", "x"},     {"ce-id", "x"},         {"X-Forwarded-For", "x"},
                   {"Connection", "x"},     {"Server-Timing", "1"}, {"X-Checksum", "2"}};
  remove_forbidden_trailers(trailers);
  EXPECT_EQ(trailers, (Headers{{"Server-Timing", "1"}, {"X-Checksum", "2"}}));
}

}  // namespace
}  // namespace sockhook::http
