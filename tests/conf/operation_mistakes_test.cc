// Mistakes in auth, passthrough, management, signing, backplane, drain, ready, log, tracing: each
// with its exact text.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

using ::testing::ElementsAre;

constexpr const char* kApp = "backends: {app: {url: \"http://h\"}}\n";

TEST(AuthMistakes, KeysAndAlgorithms) {
  constexpr const char* kAlgorithms =
      "HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA";
  EXPECT_THAT(
      mistakes_of(R"(endpoints:
  - {path: /a, auth: {jwt: {}}}
  - {path: /b, auth: {jwt: {keys: [k], jwks_file: f, algorithms: [none]}}}
  - {path: /c, auth: {jwt: [{jwks_url: "ftp://x", algorithms: []}]}}
  - {path: /d, auth: {jwt: {keys: [""], algorithms: [HS256], from: [body, "query:"]}}}
  - {path: /e, auth: {jwt: {keys: [k], algorithms: [HS256], on_expiry: kick}, basic: x}}
)"),
      ElementsAre(
          "f:2:23: endpoints[0].auth.jwt.algorithms: is missing; allowed: a list of " +
              std::string(kAlgorithms),
          "f:2:28: endpoints[0].auth.jwt: has no keys; allowed: one of keys, jwks_file and "
          "jwks_url",
          "f:3:28: endpoints[1].auth.jwt: has keys from several places; allowed: one of keys, "
          "jwks_file and jwks_url",
          "f:3:66: endpoints[1].auth.jwt.algorithms: allows nothing; allowed: a list of " +
              std::string(kAlgorithms),
          "f:3:67: endpoints[1].auth.jwt.algorithms[0]: \"none\" is unknown; allowed: " +
              std::string(kAlgorithms),
          "f:4:40: endpoints[2].auth.jwt[0].jwks_url: is no URL of http or https; allowed: a URL "
          "of http or https",
          "f:4:63: endpoints[2].auth.jwt[0].algorithms: allows nothing; allowed: a list of " +
              std::string(kAlgorithms),
          "f:5:36: endpoints[3].auth.jwt.keys[0]: is empty; allowed: a list of PEM texts or "
          "secrets",
          "f:5:69: endpoints[3].auth.jwt.from[0]: \"body\" is no place for a token; allowed: "
          "header, query:NAME, cookie:NAME, protocol",
          "f:5:75: endpoints[3].auth.jwt.from[1]: \"query:\" is no place for a token; allowed: "
          "header, query:NAME, cookie:NAME, protocol",
          "f:6:72: endpoints[4].auth.jwt.on_expiry: \"kick\" is unknown; allowed: ignore, close",
          "f:6:79: endpoints[4].auth.basic: unknown key; allowed: jwt"));
}

TEST(AuthMistakes, KeysThatVerifyNothing) {
  EXPECT_THAT(
      mistakes_of(R"(endpoints:
  - path: /a
    auth:
      jwt:
        algorithms: [RS256]
        keys:
          - "-----BEGIN PUBLIC KEY-----"
          - a secret
)"),
      ElementsAre("f:7:13: endpoints[0].auth.jwt.keys[0]: is no key that can be read; allowed: a "
                  "list of PEM texts or secrets",
                  "f:8:13: endpoints[0].auth.jwt.keys[1]: is a key that none of the algorithms "
                  "takes"));
}

TEST(PassthroughMistakes, ARootWebhookOnTheSameBackend) {
  constexpr const char* kText =
      " is the root of a backend that passthrough opens to clients; allowed: a path of its own for "
      "the webhook, such as /hooks, or another backend";
  EXPECT_THAT(mistakes_of(R"(backends:
  app: {url: "http://localhost:3000"}
  same: {url: "http://127.0.0.1:3000"}
  other: {url: "http://127.0.0.1:3001"}
endpoints:
  - path: /a
    backend: app
    routes:
      $connect: /
      $default: {path: "/?x=1", backend: same}
      a: {path: /, backend: other}
      b: /hooks
passthrough: {backend: app}
)"),
              ElementsAre(std::string("f:9:7: endpoints[0].routes.$connect: \"/\"") + kText,
                          std::string("f:10:7: endpoints[0].routes.$default: \"/?x=1\"") + kText));
}

TEST(PassthroughMistakes, TheBackend) {
  EXPECT_THAT(mistakes_of(std::string(kApp) + "passthrough: {}\n"),
              ElementsAre("f:2:1: passthrough.backend: is missing; allowed: app"));
  EXPECT_THAT(mistakes_of(std::string(kApp) + "passthrough: app\n"),
              ElementsAre("f:2:14: passthrough: is a single value; allowed: a map with backend"));
  EXPECT_THAT(
      mistakes_of(std::string(kApp) + "passthrough: {backend: web}\n"),
      ElementsAre("f:2:24: passthrough.backend: there is no backend \"web\"; allowed: app"));
}

TEST(ManagementMistakes, TokensWithoutShowingThem) {
  EXPECT_THAT(
      mistakes_of(with_endpoint(R"(management:
  auth:
    tokens:
      - "a secret"
      - ""
      -
      - {operations: [send]}
      - {token: t, operations: [], endpoints: [y]}
      - {token: t, operations: [write]}
)")),
      ElementsAre(
          "f:4:9: management.auth.tokens[0]: has a space or a character outside ASCII; allowed: a "
          "text of visible ASCII characters without spaces",
          "f:5:9: management.auth.tokens[1]: is empty; allowed: a text without line breaks",
          "f:6:7: management.auth.tokens[2]: is empty; allowed: a secret, or a map of token, "
          "operations and endpoints",
          "f:7:9: management.auth.tokens[3].token: is missing; allowed: a secret",
          "f:8:32: management.auth.tokens[4].operations: allows nothing; allowed: a list of send, "
          "read, manage",
          "f:8:48: management.auth.tokens[4].endpoints[0]: there is no endpoint \"y\" (did you "
          "mean \"x\"?); allowed: x",
          "f:9:9: management.auth.tokens[5]: is the same token as an earlier one; allowed: each "
          "token once",
          "f:9:33: management.auth.tokens[5].operations[0]: \"write\" is unknown; allowed: send, "
          "read, manage"));
  EXPECT_THAT(mistakes_of(with_endpoint("management: {auth: {tokens: hunter2}}\n")),
              ElementsAre("f:1:29: management.auth.tokens: is a single value; allowed: a list of "
                          "tokens"));
}

TEST(ManagementMistakes, SigV4AndClientCertificates) {
  EXPECT_THAT(mistakes_of(with_endpoint("management: {auth: {sigv4: [{}, x], "
                                        "client_certificates: true}}\n")),
              ElementsAre("f:1:29: management.auth.sigv4[0].access_key_id: is missing; allowed: a "
                          "text of letters and digits",
                          "f:1:29: management.auth.sigv4[0].secret_access_key: is missing; "
                          "allowed: a secret",
                          "f:1:33: management.auth.sigv4[1]: is a single value; allowed: a map of "
                          "access_key_id, secret_access_key, operations and endpoints",
                          "f:1:58: management.auth.client_certificates: needs "
                          "listen.management.tls.client_ca, which is not set; allowed: true beside "
                          "a client_ca"));
}

TEST(SigningMistakes, SecretsWithoutShowingThem) {
  constexpr const char* kAllowed = "; allowed: whsec_ and base64 of 24 to 64 bytes";
  EXPECT_THAT(
      mistakes_of(with_endpoint("signing: {secrets: [secret, whsec_MfKQ, \"whsec_!\", ~]}\n")),
      ElementsAre(std::string("f:1:21: signing.secrets[0]: is no signing secret") + kAllowed,
                  std::string("f:1:29: signing.secrets[1]: has a key of 3 bytes") + kAllowed,
                  std::string("f:1:41: signing.secrets[2]: is no signing secret") + kAllowed,
                  std::string("f:1:52: signing.secrets[3]: is empty") + kAllowed));
}

TEST(BackplaneMistakes, RedisSentinelAndCluster) {
  EXPECT_THAT(
      mistakes_of(with_endpoint(R"(backplane:
  redis:
    url: "redis://me@h/1"
    heartbeat: 5s
    lease: 9s
    sentinel: {nodes: ["a:0"]}
    cluster: true
    tls: {ca: /ca}
)")),
      ElementsAre(
          "f:3:10: backplane.redis.url: has a user without a password; allowed: "
          "redis://USER:PASSWORD@HOST:PORT/DATABASE, with rediss:// for TLS",
          "f:5:12: backplane.redis.lease: a lease shorter than two heartbeats runs out when one is "
          "late; allowed: a lease of at least twice the heartbeat",
          "f:6:24: backplane.redis.sentinel.nodes[0]: \"a:0\" has a port that is not 1 to 65535; "
          "allowed: HOST:PORT",
          "f:8:15: backplane.redis.tls.ca: is set, but the URL is not rediss://; allowed: "
          "rediss://"));
  EXPECT_THAT(
      mistakes_of(with_endpoint("backplane:\n"
                                "  redis:\n"
                                "    url: \"redis://h/1\"\n"
                                "    sentinel: {master: m, nodes: [a]}\n"
                                "    cluster: true\n")),
      ElementsAre("f:3:10: backplane.redis.url: has a database number, which a cluster does not "
                  "know; allowed: database 0",
                  "f:5:14: backplane.redis.cluster: stands beside sentinel; allowed: either "
                  "cluster or sentinel"));
  EXPECT_THAT(mistakes_of(with_endpoint("backplane: {redis: {sentinel: {password: p}}}\n")),
              ElementsAre("f:1:21: backplane.redis.sentinel.master: is missing; allowed: the name "
                          "of a master",
                          "f:1:21: backplane.redis.sentinel.nodes: has no node; allowed: a list of "
                          "HOST:PORT"));
}

TEST(BackplaneMistakes, WhatNeedsRedis) {
  EXPECT_THAT(mistakes_of(with_endpoint("backplane: {partition: fence}\n"
                                        "ready: {backplane: required}\n")),
              ElementsAre("f:1:24: backplane.partition: needs backplane.redis, which is not set; "
                          "allowed: fence beside redis",
                          "f:2:20: ready.backplane: needs backplane.redis, which is not set; "
                          "allowed: optional, or required beside redis"));
  EXPECT_THAT(mistakes_of(with_endpoint("backplane: redis\n")),
              ElementsAre("f:1:12: backplane: is a single value; allowed: memory, or a map of "
                          "redis and partition"));
}

TEST(OperationMistakes, Words) {
  EXPECT_THAT(
      mistakes_of(with_endpoint("drain: {delay: 2h}\n"
                                "ready: {memory: 90}\n"
                                "log: {level: warning, format: text}\n"
                                "tracing: {ratio: 0}\n"
                                "node: {id: \"a b\"}\n")),
      ElementsAre("f:1:16: drain.delay: \"2h\" is out of range; allowed: a duration from 0ms to "
                  "1h, written like 250ms, 29s, 10m or 2h",
                  "f:2:17: ready.memory: \"90\" is no percentage; allowed: 1% to 100%",
                  "f:3:14: log.level: \"warning\" is unknown; allowed: debug, info, warn, error",
                  "f:3:31: log.format: \"text\" is unknown; allowed: auto, json, logfmt",
                  "f:4:1: tracing.otlp: is missing; allowed: a URL of http or https, such as "
                  "http://collector:4318",
                  "f:4:18: tracing.ratio: \"0\" is out of range; allowed: a number above 0, up to "
                  "1",
                  "f:5:12: node.id: \"a b\" is no name; allowed: 1 to 63 of A-Z a-z 0-9 . _ -"));
}

}  // namespace
}  // namespace sockhook::conf
