// Mistakes in listen and backends: each with its exact text.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

using ::testing::ElementsAre;

TEST(ListenMistakes, AddressesPortsAndNumbers) {
  EXPECT_THAT(
      mistakes_of(with_endpoint(R"(listen:
  public:
    address: "0.0.0.0:70000"
    header_size: 16KB
    handshake_timeout: 10
    handshakes_per_second: -1
    connections: 101%
    proxy_protocol: yes
    trusted_proxies: [10.0.0.0/33, ]
  management: {address: example.com, body_size: 0B}
  admin: {token: ""}
)")),
      ElementsAre("f:3:14: listen.public.address: \"0.0.0.0:70000\" has a port that is not 1 to "
                  "65535; allowed: an IP address and a port (0.0.0.0:7080, [::]:7080, "
                  "localhost:7080), or unix:/path",
                  "f:4:18: listen.public.header_size: \"16KB\" has the unknown unit \"KB\"; "
                  "allowed: a size from 256B to 1MiB, written like 512B, 32KiB or 1MiB",
                  "f:5:24: listen.public.handshake_timeout: \"10\" has no unit; allowed: a "
                  "duration from 1ms to 1h, written like 250ms, 29s, 10m or 2h",
                  "f:6:28: listen.public.handshakes_per_second: \"-1\" is no positive number; "
                  "allowed: off, or a number up to 1000000",
                  "f:7:18: listen.public.connections: \"101%\" is out of range; allowed: 1% to "
                  "100%",
                  "f:8:21: listen.public.proxy_protocol: \"yes\" is neither true nor false; "
                  "allowed: true, false",
                  "f:9:23: listen.public.trusted_proxies[0]: \"10.0.0.0/33\" is no CIDR; allowed: "
                  "a CIDR or an IP address, such as 10.0.0.0/8 or fd00::1",
                  "f:10:25: listen.management.address: \"example.com\" has no port; allowed: an IP "
                  "address and a port (0.0.0.0:7080, [::]:7080, localhost:7080), or unix:/path",
                  "f:10:49: listen.management.body_size: \"0B\" is out of range; allowed: a size "
                  "from 1B to 1GiB, written like 512B, 32KiB or 1MiB",
                  "f:11:18: listen.admin.token: is empty; allowed: a text without line breaks"));
}

TEST(ListenMistakes, ManagementForOtherMachinesWithoutAuth) {
  constexpr const char* kAllowed =
      " can be reached from other machines, and management.auth is not set; allowed: a loopback "
      "address, unix:/path, or any address with management.auth";
  EXPECT_THAT(
      mistakes_of(with_endpoint("listen: {management: {address: \"0.0.0.0:7081\"}}\n")),
      ElementsAre(std::string("f:1:32: listen.management.address: 0.0.0.0:7081") + kAllowed));
  EXPECT_THAT(mistakes_of(with_endpoint("listen: {management: {address: \"[::]:7081\"}}\n"
                                        "management: {auth: {tokens: []}}\n")),
              ElementsAre(std::string("f:1:32: listen.management.address: [::]:7081") + kAllowed));
  for (const char* address : {"unix:/m.sock", "127.0.0.1:1", "[::1]:1", "localhost:1"}) {
    EXPECT_THAT(mistakes_of(with_endpoint(std::string("listen: {management: {address: \"") +
                                          address + "\"}}\n")),
                ElementsAre());
  }
  EXPECT_THAT(mistakes_of(with_endpoint("listen: {management: {address: \"0.0.0.0:7081\"}}\n"
                                        "management: {auth: {tokens: [t]}}\n")),
              ElementsAre());
}

TEST(ListenMistakes, TwoListenersOnOneAddress) {
  EXPECT_THAT(mistakes_of(with_endpoint("listen:\n"
                                        "  public: {address: \"127.0.0.1:1\"}\n"
                                        "  management: {address: \"localhost:1\"}\n"
                                        "  admin: {address: \"127.0.0.1:1\"}\n")),
              ElementsAre("f:3:15: listen.management: listens on 127.0.0.1:1 like listen.public; "
                          "allowed: an address of its own for each listener",
                          "f:4:10: listen.admin: listens on 127.0.0.1:1 like listen.public; "
                          "allowed: an address of its own for each listener"));
}

TEST(ListenMistakes, HalfACertificate) {
  EXPECT_THAT(
      mistakes_of(with_endpoint("listen:\n"
                                "  public: {tls: {certificate: a, certificates: [{key: b}, ]}}\n"
                                "  management: {tls: {client_ca: c}}\n")),
      ElementsAre("f:2:12: listen.public.tls.key: is missing; allowed: the name of a file, since "
                  "there is a certificate",
                  "f:2:49: listen.public.tls.certificates[0].certificate: is missing; allowed: "
                  "the name of a file, since there is a key",
                  "f:3:16: listen.management.tls.certificate: is missing; allowed: the name of a "
                  "file"));
}

TEST(ListenMistakes, FilesThatCannotBeReadUnlessFilesAreSkipped) {
  const std::string text =
      with_endpoint("listen: {public: {tls: {certificate: /nowhere/a.crt, key: /tmp}}}\n");
  EXPECT_THAT(mistakes_of(text, {}, {.check_files = true, .check_served = false}),
              ElementsAre("f:1:38: listen.public.tls.certificate: cannot read \"/nowhere/a.crt\": "
                          "No such file or directory; allowed: a file that can be read (check "
                          "--no-files skips this)",
                          "f:1:59: listen.public.tls.key: cannot read \"/tmp\": Is a directory; "
                          "allowed: a file that can be read (check --no-files skips this)"));
  EXPECT_THAT(mistakes_of(text), ElementsAre());
}

TEST(BackendMistakes, Urls) {
  constexpr const char* kAllowed =
      "; allowed: http://HOST:PORT/PREFIX, https://HOST:PORT/PREFIX or "
      "http+unix://%2Fpath%2Fto.sock/PREFIX";
  EXPECT_THAT(
      mistakes_of(with_endpoint(R"(backends:
  a: {url: "localhost:3000"}
  b: {url: "http://me:secret@h"}
  c:
  d: {url: "http://h", urls: ["http://i"]}
  e: {urls: []}
  f: {urls: ["http://a/x", "http://b/y", "http://a/x", "https://a/x", ""]}
  "g h": {url: "http://h"}
)")),
      ElementsAre(
          std::string("f:2:12: backends.a.url: \"localhost:3000\" is no URL") + kAllowed,
          std::string("f:3:12: backends.b.url: has a user; credentials go into headers") + kAllowed,
          std::string("f:4:3: backends.c.url: is missing") + kAllowed,
          "f:5:30: backends.d.urls: stands beside url; allowed: either url or urls",
          "f:6:13: backends.e.urls: is empty; allowed: at least one URL",
          "f:7:28: backends.f.urls[1]: differs from the first URL in more than its host; "
          "allowed: the same scheme and path for all addresses of one backend",
          "f:7:42: backends.f.urls[2]: stands in the list twice; allowed: each address "
          "once",
          "f:7:56: backends.f.urls[3]: differs from the first URL in more than its host; "
          "allowed: the same scheme and path for all addresses of one backend",
          std::string("f:7:71: backends.f.urls[4]: \"\" is no URL") + kAllowed,
          "f:8:3: backends.\"g h\": \"g h\" is no name; allowed: 1 to 63 of A-Z a-z 0-9 . "
          "_ -"));
}

TEST(BackendMistakes, HeadersWithoutShowingTheirValues) {
  EXPECT_THAT(
      mistakes_of(with_endpoint(R"(backends:
  a:
    url: "http://h"
    headers: {Host: x, ce-type: x, "a b": x, X-A: "s\nt", x-a: 1, X-B: , X-C: [secret]}
)")),
      ElementsAre(
          "f:4:15: backends.a.headers.Host: Sockhook sets this header itself; allowed: any "
          "other header",
          "f:4:24: backends.a.headers.ce-type: Sockhook sets this header itself; allowed: "
          "any other header",
          "f:4:36: backends.a.headers.\"a b\": \"a b\" is no header name; allowed: letters, "
          "digits and -",
          "f:4:51: backends.a.headers.X-A: has a control character or one outside ASCII; "
          "allowed: a text of visible ASCII characters and spaces",
          "f:4:59: backends.a.headers.x-a: duplicate header (names are case-insensitive); "
          "allowed: each header once",
          "f:4:67: backends.a.headers.X-B: is empty; allowed: a text of visible ASCII "
          "characters and spaces",
          "f:4:79: backends.a.headers.X-C: is a list; allowed: a text of visible ASCII "
          "characters and spaces"));
}

TEST(BackendMistakes, NumbersHealthAndTls) {
  EXPECT_THAT(
      mistakes_of(with_endpoint(R"(backends:
  a:
    url: "http://h"
    timeout: 0s
    max_connections: 70000
    answer_size: 1e3
    tls: {certificate: a, key: b}
    health: on
    breaker: on
    queue_timeout: 2h
  b: {url: "http://h", health: {path: health, interval: 2}, breaker: {failures: 0%, of: 0, open: 31s}}
)")),
      ElementsAre("f:4:14: backends.a.timeout: \"0s\" is out of range; allowed: a duration from "
                  "1ms to 1h, written like 250ms, 29s, 10m or 2h",
                  "f:5:22: backends.a.max_connections: \"70000\" is out of range; allowed: a whole "
                  "number from 1 to 65535",
                  "f:6:18: backends.a.answer_size: \"1e3\" has the unknown unit \"e3\"; allowed: a "
                  "size from 1B to 1GiB, written like 512B, 32KiB or 1MiB",
                  "f:7:10: backends.a.tls: is set, but the URL is not https; allowed: tls for an "
                  "https:// URL",
                  "f:8:13: backends.a.health: is a single value; allowed: off, or a map of path "
                  "and interval",
                  "f:9:14: backends.a.breaker: is a single value; allowed: off, or a map of "
                  "failures, of and open",
                  "f:10:20: backends.a.queue_timeout: \"2h\" is out of range; allowed: off, or a "
                  "duration from 1ms to 1h, written like 250ms, 29s, 10m or 2h",
                  "f:11:39: backends.b.health.path: \"health\" does not begin with /; allowed: a "
                  "path such as /health",
                  "f:11:57: backends.b.health.interval: \"2\" has no unit; allowed: a duration "
                  "from 1ms to 1h, written like 250ms, 29s, 10m or 2h",
                  "f:11:81: backends.b.breaker.failures: \"0%\" is out of range; allowed: 1% to "
                  "100%",
                  "f:11:89: backends.b.breaker.of: \"0\" is out of range; allowed: a whole number "
                  "from 1 to 10000",
                  "f:11:98: backends.b.breaker.open: \"31s\" is out of range; allowed: a duration "
                  "from 1ms to 30s, written like 250ms, 29s, 10m or 2h"));
}

}  // namespace
}  // namespace sockhook::conf
