// Mistakes in endpoints, their routes and limits: each with its exact text.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

using ::testing::ElementsAre;

constexpr const char* kApp = "backends: {app: {url: \"http://h\"}}\n";

TEST(EndpointMistakes, Paths) {
  constexpr const char* kAllowed =
      "; allowed: an exact path such as /chat, or /room/* for everything below /room/";
  EXPECT_THAT(
      mistakes_of(R"(endpoints:
  - {name: a}
  - {path: chat}
  - {path: /a/*/b}
  - {path: /a*}
  - {path: "/a?b"}
  - {path: /a/../b}
  - {path: /a%2Fb}
  - {path: ""}
  -
)"),
      ElementsAre(
          std::string("f:2:5: endpoints[0].path: is missing") + kAllowed,
          std::string("f:3:12: endpoints[1].path: \"chat\" does not begin with /") + kAllowed,
          std::string("f:4:12: endpoints[2].path: \"/a/*/b\" has a * elsewhere than as the last "
                      "segment") +
              kAllowed,
          std::string("f:5:12: endpoints[3].path: \"/a*\" has a * elsewhere than as the last "
                      "segment") +
              kAllowed,
          std::string("f:6:12: endpoints[4].path: \"/a?b\" has a query or a fragment, which are no "
                      "part of a path") +
              kAllowed,
          std::string("f:7:12: endpoints[5].path: \"/a/../b\" has a . or .. or empty segment, %2F "
                      "or an invalid % escape, and can never match") +
              kAllowed,
          std::string("f:8:12: endpoints[6].path: \"/a%2Fb\" has a . or .. or empty segment, %2F "
                      "or an invalid % escape, and can never match") +
              kAllowed,
          std::string("f:9:12: endpoints[7].path: is empty") + kAllowed,
          "f:10:3: endpoints[8]: is empty; allowed: a map with a path"));
}

TEST(EndpointMistakes, NamesAndPathsThatAreTaken) {
  EXPECT_THAT(mistakes_of("endpoints:\n"
                          "  - {path: /a, name: x}\n"
                          "  - {path: /b, name: x}\n"
                          "  - {path: /a}\n"
                          "  - {path: /a/*}\n"
                          "  - {path: /c, name: \"a/b\"}\n"),
              ElementsAre("f:3:22: endpoints[1].name: \"x\" is the name of endpoints[0] as well; "
                          "allowed: a name of its own for each endpoint",
                          "f:4:12: endpoints[2].path: \"/a\" is the path of endpoints[0] as well, "
                          "which comes first and takes everything; allowed: a path of its own for "
                          "each endpoint",
                          "f:6:22: endpoints[4].name: \"a/b\" is no name; allowed: 1 to 63 of A-Z "
                          "a-z 0-9 . _ -"));
}

TEST(EndpointMistakes, UnknownBackends) {
  EXPECT_THAT(
      mistakes_of("backends: {app: {url: \"http://h\"}, web: {url: \"http://h\"}}\n"
                  "endpoints:\n"
                  "  - {path: /a, backend: ap, routes: {$default: {path: /m, backend: x}}}\n"
                  "  - {path: /b, routes: {$default: /m}}\n"),
      ElementsAre("f:3:25: endpoints[0].backend: there is no backend \"ap\" (did you mean "
                  "\"app\"?); allowed: app, web",
                  "f:3:68: endpoints[0].routes.$default.backend: there is no backend \"x\"; "
                  "allowed: app, web",
                  "f:4:5: endpoints[1].backend: is missing; allowed: app, web"));
  EXPECT_THAT(mistakes_of("endpoints: [{path: /a, backend: app, routes: {$default: /m}}]\n"),
              ElementsAre("f:1:33: endpoints[0].backend: there is no backend \"app\"; allowed: a "
                          "name under backends, where none is"));
}

TEST(EndpointMistakes, Words) {
  EXPECT_THAT(
      mistakes_of("endpoints:\n"
                  "  - path: /a\n"
                  "    format: event\n"
                  "    errors: ignore\n"
                  "    in_flight: 0\n"
                  "    compression: true\n"
                  "    disconnect_retry: off\n"
                  "    protocols: [\"a b\", x, x]\n"
                  "    lambda: {stage: x}\n"),
      ElementsAre("f:3:13: endpoints[0].format: \"event\" is unknown (did you mean \"events\"?); "
                  "allowed: events, lambda",
                  "f:4:13: endpoints[0].errors: \"ignore\" is unknown; allowed: frame, close",
                  "f:5:16: endpoints[0].in_flight: \"0\" is out of range; allowed: a whole number "
                  "from 1 to 1000",
                  "f:6:18: endpoints[0].compression: is a single value; allowed: off, or a map of "
                  "min_size, level and takeover",
                  "f:7:23: endpoints[0].disconnect_retry: \"off\" is no duration; allowed: a "
                  "duration from 1ms to 8760h, written like 250ms, 29s, 10m or 2h",
                  "f:8:17: endpoints[0].protocols[0]: \"a b\" is no subprotocol; allowed: a "
                  "subprotocol's name: letters, digits and !#$%&'*+-.^_`|~",
                  "f:8:27: endpoints[0].protocols[2]: \"x\" stands in the list twice; allowed: "
                  "each subprotocol once",
                  "f:9:13: endpoints[0].lambda: serves only format: lambda; allowed: this key "
                  "beside format: lambda"));
}

TEST(EndpointMistakes, SelectionExpressions) {
  const std::vector<std::string> mistakes =
      mistakes_of("endpoints:\n  - path: /a\n    select: $request.header.x\n");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_THAT(mistakes[0], ::testing::StartsWith(
                               "f:3:13: endpoints[0].select: \"$request.header.x\" at character "));
}

TEST(EndpointMistakes, Origins) {
  constexpr const char* kAllowed =
      "; allowed: SCHEME://HOST or SCHEME://HOST:PORT, *. in front of the host for one or more "
      "labels, or null";
  EXPECT_THAT(
      mistakes_of("endpoints:\n"
                  "  - path: /a\n"
                  "    origins: [example.com, \"https://a/\", \"*\", ~]\n"),
      ElementsAre(
          std::string("f:3:15: endpoints[0].origins[0]: \"example.com\" has no scheme") + kAllowed,
          std::string("f:3:28: endpoints[0].origins[1]: \"https://a/\" has a path, which an origin "
                      "never has") +
              kAllowed,
          std::string("f:3:42: endpoints[0].origins[2]: \"*\" would allow any origin; leave the "
                      "list empty for that") +
              kAllowed,
          std::string("f:3:47: endpoints[0].origins[3]: is empty") + kAllowed));
}

TEST(RouteMistakes, KeysAndPaths) {
  constexpr const char* kPath = "; allowed: a path on the backend, such as /hooks/message";
  EXPECT_THAT(
      mistakes_of(std::string(kApp) + R"(endpoints:
  - path: /a
    backend: app
    routes:
      $conect: /x
      $other: /x
      a: hooks
      b: {timeout: 1s}
      c: [/x]
      d: "/${name}"
      e: {path: /e, pth: /e}
      f:
)"),
      ElementsAre(
          "f:6:7: endpoints[0].routes.$conect: unknown route key (did you mean \"$connect\"?); "
          "allowed: $connect, $disconnect, $default, or a key that does not begin with $",
          "f:7:7: endpoints[0].routes.$other: unknown route key; allowed: $connect, $disconnect, "
          "$default, or a key that does not begin with $",
          std::string("f:8:10: endpoints[0].routes.a: \"hooks\" does not begin with /") + kPath,
          std::string("f:9:7: endpoints[0].routes.b.path: is missing") + kPath,
          "f:10:10: endpoints[0].routes.c: is a list; allowed: a path on the backend, or a map "
          "with path",
          std::string("f:11:10: endpoints[0].routes.d: \"/${name}\" has a {, which must be "
                      "percent-encoded") +
              kPath,
          "f:12:21: endpoints[0].routes.e.pth: unknown key (did you mean \"path\"?); allowed: "
          "path, backend, timeout, content_type, retry, batch",
          "f:13:7: endpoints[0].routes.f: is empty; allowed: a path on the backend, or a map with "
          "path"));
}

TEST(RouteMistakes, RetriesAndBatches) {
  EXPECT_THAT(
      mistakes_of(std::string(kApp) + R"(endpoints:
  - path: /a
    backend: app
    routes:
      $connect: {path: /c, batch: {max: 2}, content_type: text/plain}
      $default: {path: /m, retry: {attempts: 11, on: [200, timeouts, 503]}, content_type: json}
  - path: /b
    backend: app
    format: lambda
    routes: {$default: {path: /m, batch: {max: 2}, content_type: text/plain}}
)"),
      ElementsAre("f:6:41: endpoints[0].routes.$connect.batch.max: batches are for messages, not "
                  "for $connect; allowed: batch on a message route",
                  "f:6:59: endpoints[0].routes.$connect.content_type: $connect has no body; "
                  "allowed: content_type on a message route",
                  "f:7:46: endpoints[0].routes.$default.retry.attempts: \"11\" is out of range; "
                  "allowed: a whole number from 0 to 10",
                  "f:7:55: endpoints[0].routes.$default.retry.on[0]: \"200\" is no reason for a "
                  "retry; allowed: statuses from 300 to 599, timeout, reset",
                  "f:7:60: endpoints[0].routes.$default.retry.on[1]: \"timeouts\" is no reason for "
                  "a retry; allowed: statuses from 300 to 599, timeout, reset",
                  "f:7:91: endpoints[0].routes.$default.content_type: \"json\" is no media type; "
                  "allowed: a media type such as application/json",
                  "f:11:48: endpoints[1].routes.$default.batch.max: batches are for format: "
                  "events; allowed: batch beside format: events",
                  "f:11:66: endpoints[1].routes.$default.content_type: the body of format: lambda "
                  "is always JSON; allowed: content_type beside format: events"));
}

TEST(LimitMistakes, ValuesAndWords) {
  EXPECT_THAT(
      mistakes_of(R"(endpoints:
  - {path: /a, limits: azure}
  - {path: /b, limits: [aws]}
  - path: /c
    limits:
      preset: gcp
      message_size: 1024
      frame_size: on
      connections: 0
      messages_per_second: fast
      slow_client: kill
      idle_timeout: 10 m
      fragments: 1e3
  - path: /d
    limits: {messages_per_second: {burst: 0, over: drop}, ping_interval: 9s, ping_timeout: 9s}
)"),
      ElementsAre(
          "f:2:24: endpoints[0].limits: \"azure\" is unknown; allowed: aws, or a map of limits",
          "f:3:24: endpoints[1].limits: is a list; allowed: aws, or a map of limits",
          "f:6:15: endpoints[2].limits.preset: \"gcp\" is unknown; allowed: aws",
          "f:7:21: endpoints[2].limits.message_size: \"1024\" has no unit; allowed: a size from 1B "
          "to 1GiB, written like 512B, 32KiB or 1MiB",
          "f:8:19: endpoints[2].limits.frame_size: \"on\" is no size; allowed: off, or a size from "
          "1B to 1GiB, written like 512B, 32KiB or 1MiB",
          "f:9:20: endpoints[2].limits.connections: \"0\" is out of range; allowed: off, or a "
          "whole number from 1 to 10000000",
          "f:10:28: endpoints[2].limits.messages_per_second: \"fast\" is no number; allowed: off, "
          "a number up to 1000000, or a map with rate",
          "f:11:20: endpoints[2].limits.slow_client: \"kill\" is unknown; allowed: close, drop",
          "f:12:21: endpoints[2].limits.idle_timeout: \"10 m\" has the unknown unit \" m\"; "
          "allowed: off, or a duration from 1ms to 8760h, written like 250ms, 29s, 10m or 2h",
          "f:13:18: endpoints[2].limits.fragments: \"1e3\" is no whole number; allowed: a whole "
          "number from 1 to 1000000000",
          "f:15:14: endpoints[3].limits.messages_per_second.rate: is missing; allowed: a number up "
          "to 1000000, such as 10 or 0.5",
          "f:15:43: endpoints[3].limits.messages_per_second.burst: \"0\" is out of range; allowed: "
          "a whole number from 1 to 1000000000",
          "f:15:52: endpoints[3].limits.messages_per_second.over: \"drop\" is unknown; allowed: "
          "reject, delay, close",
          "f:15:92: endpoints[3].limits.ping_timeout: is not longer than ping_interval, so every "
          "silent client would be closed; allowed: a duration above ping_interval, or off"));
}

}  // namespace
}  // namespace sockhook::conf
