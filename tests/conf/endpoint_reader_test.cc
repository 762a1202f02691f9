// Endpoints as they are read: routes resolved, names derived, limits and issuers complete.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;

TEST(EndpointReader, ResolvesRoutes) {
  const Config config = config_of(R"(
backends:
  app: {url: "http://a", timeout: 7s}
  ai: {url: "http://b", timeout: 9s}
endpoints:
  - path: /chat
    backend: app
    select: ${request.body.a}/${request.body.b}
    routes:
      $connect: /connect
      $disconnect: {path: /gone, timeout: 2s}
      $default: {path: /message, backend: ai}
      send/now:
        path: /send?x=1
        backend: ai
        timeout: 3s
        content_type: text/plain; charset=utf-8
        retry: {attempts: 2, on: [502, reset]}
        batch: {max: 10}
      17: {path: /number, retry: {attempts: 1}}
)");
  const Endpoint& chat = config.endpoints[0];
  EXPECT_EQ(chat.select, "${request.body.a}/${request.body.b}");
  EXPECT_EQ(chat.routes.connect->key, "$connect");
  EXPECT_EQ(chat.routes.connect->path, "/connect");
  EXPECT_EQ(config.backend_of(*chat.routes.connect).name, "app");
  EXPECT_EQ(chat.routes.connect->timeout, seconds{7}) << "the backend's";
  EXPECT_EQ(chat.routes.disconnect->timeout, seconds{2}) << "the route's own";
  EXPECT_EQ(config.backend_of(*chat.routes.fallback).name, "ai");
  EXPECT_EQ(chat.routes.fallback->timeout, seconds{9}) << "of the route's backend";
  const Route& send = chat.routes.by_key.at("send/now");
  EXPECT_EQ(send.path, "/send?x=1");
  EXPECT_EQ(send.timeout, seconds{3});
  EXPECT_EQ(send.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(send.retry, (Retry{2, {502}, false, true}));
  EXPECT_EQ(send.batch_max, 10U);
  EXPECT_EQ(chat.routes.by_key.at("17").retry, (Retry{1, {503}, true, false}));
}

TEST(EndpointReader, NeedsNoBackendWhereEachRouteNamesItsOwn) {
  const Config config = config_of(
      "backends: {app: {url: \"http://a\"}}\n"
      "endpoints: [{path: /x, routes: {$default: {path: /m, backend: app}}}]\n");
  EXPECT_EQ(config.endpoints[0].routes.fallback->backend, 0U);
}

TEST(EndpointReader, AnEmptyRouteIsNoRoute) {
  const Config config = config_of(
      "backends: {app: {url: \"http://a\"}}\n"
      "endpoints: [{path: /x, backend: app, routes: {$connect: , $default: /m}}]\n");
  EXPECT_FALSE(config.endpoints[0].routes.connect);
  EXPECT_TRUE(config.endpoints[0].routes.fallback);
}

TEST(EndpointReader, ReadsEndpoints) {
  const Config config = config_of(R"(
lambda: {api_id: id, stage: test, stage_variables: {a: b}, domain_name: d}
endpoints:
  - path: /room/*
    name: rooms
    format: lambda
    protocols: [chat.v2, chat.v1]
    origins: [null, "https://*.example.com", "HTTP://A:80"]
    in_flight: 8
    errors: close
    compression: {min_size: 2KiB, level: 9, takeover: true}
    disconnect_retry: 1h
    lambda: {stage: other, stage_variables: {}}
)");
  const Endpoint& rooms = config.endpoints[0];
  EXPECT_EQ(rooms.name, "rooms");
  EXPECT_EQ(rooms.path, (PathPattern{"/room/", true}));
  EXPECT_EQ(rooms.format, Format::kLambda);
  EXPECT_THAT(rooms.protocols, ElementsAre("chat.v2", "chat.v1"));
  EXPECT_THAT(rooms.origins, ElementsAre("null", "https://*.example.com", "http://a"));
  EXPECT_EQ(rooms.in_flight, 8U);
  EXPECT_TRUE(rooms.close_on_error);
  EXPECT_EQ(rooms.compression, (Compression{2_KiB, 9, true}));
  EXPECT_EQ(rooms.disconnect_retry, hours{1});
  EXPECT_EQ(config.lambda.stage_variables.at("a"), "b");
  EXPECT_EQ(rooms.lambda.api_id, "id") << "the global one";
  EXPECT_EQ(rooms.lambda.stage, "other");
  EXPECT_TRUE(rooms.lambda.stage_variables.empty());
  EXPECT_EQ(rooms.lambda.domain_name, "d");
}

TEST(EndpointReader, DerivesNamesThatAreUnique) {
  const Config config = config_of(R"(
endpoints:
  - {path: /chat}
  - {path: /chat/*}
  - {path: /a/b.c~d}
  - {path: /}
  - {path: /*}
  - {path: /other, name: chat-2}
)");
  std::vector<std::string> names;
  for (const Endpoint& endpoint : config.endpoints) names.push_back(endpoint.name);
  EXPECT_THAT(names, ElementsAre("chat", "chat-3", "a-b.c-d", "root", "all", "chat-2"));
}

TEST(EndpointReader, MatchesPathsExactlyOrBelow) {
  const PathPattern exact{"/chat", false};
  EXPECT_TRUE(exact.matches("/chat"));
  EXPECT_FALSE(exact.matches("/chat/"));
  EXPECT_FALSE(exact.matches("/Chat"));
  const PathPattern below{"/room/", true};
  EXPECT_TRUE(below.matches("/room/1/2"));
  EXPECT_TRUE(below.matches("/room/"));
  EXPECT_FALSE(below.matches("/room"));
  EXPECT_TRUE((PathPattern{"/", true}).matches("/"));
}

TEST(EndpointReader, ReadsEveryLimit) {
  const Limits limits = config_of(R"(
endpoints:
  - path: /x
    limits:
      message_size: 2MiB
      frame_size: 1KiB
      binary: false
      connections: 1
      connections_per_ip: 2
      connections_per_user: 3
      messages_per_second: {rate: 0.5, burst: 7, over: delay}
      send_queue: 3MiB
      slow_client: drop
      idle_timeout: 4s
      max_duration: 5s
      ping_interval: 6s
      ping_timeout: 7s
      fragments: 8
)")
                            .endpoints[0]
                            .limits;
  EXPECT_EQ(limits.message_size, 2_MiB);
  EXPECT_EQ(limits.frame_size, 1_KiB);
  EXPECT_FALSE(limits.binary);
  EXPECT_EQ(limits.connections, 1U);
  EXPECT_EQ(limits.connections_per_ip, 2U);
  EXPECT_EQ(limits.connections_per_user, 3U);
  EXPECT_EQ(limits.messages_per_second, (Rate{0.5, 7, Rate::Over::kDelay}));
  EXPECT_EQ(limits.send_queue, 3_MiB);
  EXPECT_EQ(limits.slow_client, SlowClient::kDrop);
  EXPECT_EQ(limits.idle_timeout, seconds{4});
  EXPECT_EQ(limits.max_duration, seconds{5});
  EXPECT_EQ(limits.ping_interval, seconds{6});
  EXPECT_EQ(limits.ping_timeout, seconds{7});
  EXPECT_EQ(limits.fragments, 8U);
}

Limits limits_of(const std::string& text) {
  return config_of("endpoints: [{path: /x, limits: " + text + "}]\n").endpoints[0].limits;
}

TEST(EndpointReader, TheAwsPresetIsAWordOrABaseForChanges) {
  const Limits aws = limits_of("aws");
  EXPECT_EQ(aws, Limits::aws());
  EXPECT_EQ(aws.message_size, 128_KiB);
  EXPECT_EQ(aws.frame_size, 32_KiB);
  EXPECT_FALSE(aws.binary);
  EXPECT_EQ(aws.idle_timeout, minutes{10});
  EXPECT_EQ(aws.max_duration, hours{2});

  Limits changed = Limits::aws();
  changed.binary = true;
  changed.frame_size.reset();
  EXPECT_EQ(limits_of("{binary: true, frame_size: off, preset: aws}"), changed);
}

TEST(EndpointReader, ARateMayBeANumberAndItsBurstIsOneSecondOfIt) {
  EXPECT_EQ(limits_of("{messages_per_second: 10}").messages_per_second,
            (Rate{10, 10, Rate::Over::kReject}));
  EXPECT_EQ(limits_of("{messages_per_second: 0.5}").messages_per_second,
            (Rate{0.5, 1, Rate::Over::kReject}));
  EXPECT_EQ(limits_of("{messages_per_second: {rate: 2.5, over: close}}").messages_per_second,
            (Rate{2.5, 3, Rate::Over::kClose}));
  EXPECT_FALSE(limits_of("{messages_per_second: off}").messages_per_second);
}

TEST(EndpointReader, ThePingThatIsNotWrittenFollowsTheOneThatIs) {
  EXPECT_EQ(limits_of("{ping_timeout: 10s}").ping_interval, seconds{5});
  EXPECT_EQ(limits_of("{ping_timeout: 90s}").ping_interval, seconds{25});
  EXPECT_EQ(limits_of("{ping_interval: 10s}").ping_timeout, seconds{60});
  EXPECT_EQ(limits_of("{ping_interval: 2m}").ping_timeout, minutes{4});
  EXPECT_FALSE(limits_of("{ping_interval: off}").ping_timeout);
  EXPECT_EQ(limits_of("{ping_timeout: off}").ping_interval, seconds{25});
  EXPECT_EQ(limits_of("{ping_interval: off, ping_timeout: 9s}").ping_timeout, seconds{9});
}

TEST(EndpointReader, ReadsOneIssuerOrSeveral) {
  const Config config = config_of(R"(
endpoints:
  - path: /one
    auth: {jwt: {keys: secret, algorithms: [HS256], issuer: a, audience: [b, c], groups_claim: g}}
  - path: /two
    auth:
      jwt:
        - jwks_file: /jwks.json
          algorithms: [RS256, EdDSA]
          leeway: 0s
          from: [protocol, "cookie:session", "query:access_token", header]
          user_claim: email
          on_expiry: close
        - {jwks_url: "https://login.example.com/jwks", algorithms: [ES384]}
  - path: /none
    auth: {}
)");
  ASSERT_EQ(config.endpoints[0].jwt.size(), 1U);
  const Jwt& one = config.endpoints[0].jwt[0];
  EXPECT_THAT(one.keys, ElementsAre("secret"));
  EXPECT_THAT(one.issuers, ElementsAre("a"));
  EXPECT_THAT(one.audiences, ElementsAre("b", "c"));
  EXPECT_EQ(one.groups_claim, "g");
  EXPECT_EQ(one.leeway, seconds{30});
  EXPECT_EQ(one.user_claim, "sub");
  ASSERT_EQ(config.endpoints[1].jwt.size(), 2U);
  const Jwt& two = config.endpoints[1].jwt[0];
  EXPECT_EQ(two.jwks_file, "/jwks.json");
  EXPECT_THAT(two.algorithms, ElementsAre("RS256", "EdDSA"));
  EXPECT_EQ(two.leeway, seconds{0});
  using Kind = Jwt::Source::Kind;
  EXPECT_THAT(
      two.from,
      ElementsAre(Jwt::Source{Kind::kProtocol, ""}, Jwt::Source{Kind::kCookie, "session"},
                  Jwt::Source{Kind::kQuery, "access_token"}, Jwt::Source{Kind::kHeader, ""}));
  EXPECT_TRUE(two.close_on_expiry);
  ASSERT_TRUE(config.endpoints[1].jwt[1].jwks_url);
  EXPECT_EQ(config.endpoints[1].jwt[1].jwks_url->to_string(), "https://login.example.com/jwks");
  EXPECT_TRUE(config.endpoints[2].jwt.empty());
}

TEST(EndpointReader, AKeyMayHaveManyLines) {
  const Config config = config_of(
      "endpoints:\n- path: /x\n  auth:\n    jwt:\n      algorithms: [EdDSA]\n      keys:\n"
      "      - |\n        -----BEGIN PUBLIC KEY-----\n"
      "        MCowBQYDK2VwAyEAGTRNppER9JfRrTqPvd5vSyHkiytb1QQyTN+NB6THMoI=\n"
      "        -----END PUBLIC KEY-----\n");
  EXPECT_EQ(config.endpoints[0].jwt[0].keys[0],
            "-----BEGIN PUBLIC KEY-----\n"
            "MCowBQYDK2VwAyEAGTRNppER9JfRrTqPvd5vSyHkiytb1QQyTN+NB6THMoI=\n"
            "-----END PUBLIC KEY-----\n");
}

}  // namespace
}  // namespace sockhook::conf
