// That what is written arrives, and that what is not written is the default.

#include "conf/config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

TEST(ConfigReader, NeedsOnlyAnEndpoint) {
  Config expected;
  expected.endpoints.emplace_back();
  expected.endpoints[0].name = "x";
  expected.endpoints[0].path = {"/x", false};
  EXPECT_EQ(config_of("endpoints: [{path: /x}]\n"), expected);
}

TEST(ConfigReader, OrOnlyAPassthrough) {
  const Config config =
      config_of("backends: {app: {url: \"http://h\"}}\npassthrough: {backend: app}\n");
  EXPECT_TRUE(config.endpoints.empty());
  EXPECT_EQ(config.passthrough->backend, 0U);
}

TEST(ConfigReader, ReadsNodeAndListeners) {
  const Config config = config_of(with_endpoint(R"(
node: {id: gw-1.a_b, workers: 4}
listen:
  public:
    address: "[::]:80"
    tls:
      certificate: /a.crt
      key: /a.key
      client_ca: /ca.crt
      certificates: [{certificate: /b.crt, key: /b.key}]
    trusted_proxies: [10.0.0.0/8, "::1"]
    proxy_protocol: true
    header_size: 8KiB
    handshake_timeout: 3s
    handshakes_per_second: 0.5
    connections: 100
  management: {address: "unix:/run/m.sock", body_size: 1MiB}
  admin: {address: "localhost:9", token: "a#b"}
)"));
  EXPECT_EQ(config.node.id, "gw-1.a_b");
  EXPECT_EQ(config.node.workers, 4U);
  const PublicListener& listener = config.listen.public_;
  EXPECT_EQ(listener.address, (Address{"::", 80, ""}));
  ASSERT_TRUE(listener.tls);
  EXPECT_EQ(listener.tls->files, (CertificateFiles{"/a.crt", "/a.key"}));
  EXPECT_EQ(listener.tls->client_ca, "/ca.crt");
  EXPECT_THAT(listener.tls->certificates, ElementsAre(CertificateFiles{"/b.crt", "/b.key"}));
  EXPECT_THAT(listener.trusted_proxies, ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_TRUE(listener.proxy_protocol);
  EXPECT_EQ(listener.header_size, 8_KiB);
  EXPECT_EQ(listener.handshake_timeout, seconds{3});
  EXPECT_EQ(listener.handshakes_per_second, 0.5);
  EXPECT_EQ(std::get<std::size_t>(listener.connections), 100U);
  EXPECT_EQ(config.listen.management.address.unix_path, "/run/m.sock");
  EXPECT_EQ(config.listen.management.body_size, 1_MiB);
  EXPECT_EQ(config.listen.admin.address, (Address{"127.0.0.1", 9, ""}));
  EXPECT_EQ(config.listen.admin.token, "a#b");
}

TEST(ConfigReader, ReadsBackendsInTheirOrder) {
  const Config config = config_of(with_endpoint(R"(
backends:
  web:
    urls: ["https://10.0.0.1:1/p", "https://10.0.0.2:2/p/"]
    timeout: 1s
    connect_timeout: 250ms
    max_connections: 3
    queue_timeout: 2s
    answer_size: 2KiB
    headers: {X-Api-Key: "secret ", x-empty: ""}
    tls: {ca: /ca, certificate: /c, key: /k, server_name: web}
    health: {path: "/up?deep=1", interval: 1s}
    breaker: {failures: 20%, of: 50, open: 2s}
  app: {url: "http+unix://%2Fa", health: {}, breaker: {}, queue_timeout: off}
)"));
  ASSERT_EQ(config.backends.size(), 2U);
  const Backend& web = config.backends[0];
  EXPECT_EQ(web.name, "web");
  ASSERT_EQ(web.urls.size(), 2U);
  EXPECT_EQ(web.urls[1].host, "10.0.0.2");
  EXPECT_EQ(web.urls[1].path_prefix, "/p");
  EXPECT_EQ(web.timeout, seconds{1});
  EXPECT_EQ(web.connect_timeout, Duration{250});
  EXPECT_EQ(web.max_connections, 3U);
  EXPECT_EQ(web.queue_timeout, seconds{2});
  EXPECT_EQ(web.answer_size, 2_KiB);
  EXPECT_THAT(web.headers, ElementsAre(Header{"X-Api-Key", "secret "}, Header{"x-empty", ""}));
  EXPECT_EQ(web.tls.ca, "/ca");
  EXPECT_EQ(web.tls.files, (CertificateFiles{"/c", "/k"}));
  EXPECT_EQ(web.tls.server_name, "web");
  EXPECT_EQ(web.health, (HealthCheck{"/up?deep=1", seconds{1}}));
  EXPECT_EQ(web.breaker, (Breaker{Percent{20}, 50, seconds{2}}));
  EXPECT_EQ(config.backends[1].name, "app");
  EXPECT_EQ(config.backends[1].health, HealthCheck{});
  EXPECT_EQ(config.backends[1].breaker, Breaker{});
  EXPECT_EQ(config.backends[1].queue_timeout, std::nullopt);
}

TEST(ConfigReader, ReadsTokensAsSecretsOrMaps) {
  const Config config = config_of(R"(
endpoints: [{path: /chat}, {path: /other}]
management:
  auth:
    tokens:
      - secret
      - {token: limited, operations: [send, read], endpoints: [chat]}
      - {token: unlimited}
    sigv4: [{access_key_id: AK, secret_access_key: "s/+", operations: [manage]}]
listen: {management: {address: "0.0.0.0:1"}}
)");
  const Management& management = config.management;
  EXPECT_THAT(management.tokens, ElementsAre(Token{"secret", {true, true, true, {}}},
                                             Token{"limited", {true, true, false, {"chat"}}},
                                             Token{"unlimited", {true, true, true, {}}}));
  EXPECT_THAT(management.sigv4, ElementsAre(SigV4Key{"AK", "s/+", {false, false, true, {}}}));
}

TEST(ConfigReader, ReadsTheBackplane) {
  EXPECT_EQ(config_of(with_endpoint("backplane: memory\n")).backplane, Backplane{});
  const Backplane backplane = config_of(with_endpoint(R"(
backplane:
  redis:
    url: "rediss://me:pw@h:1/2"
    prefix: p
    heartbeat: 1s
    lease: 4s
    sentinel: {master: m, nodes: ["a:1", b], password: s}
    operations: true
    tls: {ca: /ca}
  partition: fence
)"))
                                  .backplane;
  const Redis& redis = *backplane.redis;
  EXPECT_EQ(redis.server, (HostPort{"h", 1}));
  EXPECT_TRUE(redis.tls);
  EXPECT_EQ(redis.prefix, "p");
  EXPECT_EQ(redis.lease, seconds{4});
  EXPECT_EQ(redis.sentinel->master, "m");
  EXPECT_THAT(redis.sentinel->nodes, ElementsAre(HostPort{"a", 1}, HostPort{"b", 26379}));
  EXPECT_EQ(redis.sentinel->password, "s");
  EXPECT_TRUE(redis.operations);
  EXPECT_EQ(redis.tls_ca, "/ca");
  EXPECT_TRUE(backplane.fence_when_partitioned);
}

TEST(ConfigReader, ReadsOperation) {
  const Config config = config_of(with_endpoint(R"(
signing: {secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}
drain: {delay: 0s, period: 1s}
ready: {memory: 50%}
log: {level: debug, format: logfmt}
tracing: {otlp: "http://collector:4318", ratio: 1}
)"));
  EXPECT_EQ(config.signing.secrets.size(), 1U);
  EXPECT_EQ(config.drain, (Drain{seconds{0}, seconds{1}}));
  EXPECT_EQ(config.ready.memory, Percent{50});
  EXPECT_EQ(config.log.level, Log::Level::kDebug);
  EXPECT_EQ(config.log.format, Log::Format::kLogfmt);
  EXPECT_EQ(config.tracing, (Tracing{"http://collector:4318", 1.0}));
}

TEST(ConfigReader, AnEmptyValueIsTheDefault) {
  const Config config = config_of(R"(
node: {id: , workers: }
listen: {public: {tls: , address: }, management: {tls: {certificate: , key: }}}
backends: {app: {url: "http://h", tls: , health: , headers: }}
endpoints: [{path: /x, name: , select: , routes: , origins: , auth: {jwt: }, limits: , lambda: }]
management:
signing:
backplane: {redis: , partition: }
tracing:
)");
  EXPECT_EQ(config.listen, Listen{});
  EXPECT_EQ(config.endpoints[0].limits, Limits{});
  EXPECT_EQ(config.backplane, Backplane{});
}

TEST(ConfigReader, ListsTheWebhooksThatPassthroughMustNotOpen) {
  const Config config = config_of(R"(
backends:
  app: {url: "http://localhost:3000/api"}
  same: {url: "http://127.0.0.1:3000/api/v2"}
  other: {url: "http://127.0.0.1:4000"}
endpoints:
  - path: /x
    backend: app
    routes:
      $connect: /Hooks/connect?key=1
      $default: {path: /message, backend: same}
      a: {path: /elsewhere, backend: other}
passthrough: {backend: app}
)");
  EXPECT_THAT(config.passthrough->webhook_paths,
              ElementsAre("/api/hooks/connect", "/api/v2/message"));
}

TEST(ConfigReader, ReadsAFile) {
  const std::string path = ::testing::TempDir() + "config_reader_test.yaml";
  std::ofstream(path) << "endpoints: [{path: /x}]\n";
  const auto config = read_config_file(path, process_environment);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->endpoints[0].name, "x");
  std::remove(path.c_str());
}

TEST(ConfigReader, SaysWhyAFileCannotBeRead) {
  const auto missing = read_config_file("/nowhere/a.yaml", process_environment);
  ASSERT_EQ(missing.error().size(), 1U);
  EXPECT_EQ(missing.error()[0].to_string(),
            "/nowhere/a.yaml:1:1: cannot read this file: No such file or directory; allowed: a "
            "YAML file that can be read");
  const auto directory = read_config_file("/tmp", process_environment);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error()[0].to_string(),
            "/tmp:1:1: cannot read this file: Is a directory; allowed: a YAML file that can be "
            "read");
}

}  // namespace
}  // namespace sockhook::conf
