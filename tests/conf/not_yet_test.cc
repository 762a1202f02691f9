// What this version does not serve is refused, never ignored.

#include "conf/not_yet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conf/reading.h"

namespace sockhook::conf {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> refused(std::string_view yaml) {
  return mistakes_of(yaml, {}, {.check_files = false, .check_served = true});
}

TEST(NotYetServed, IsRefusedWhereItStands) {
  EXPECT_THAT(
      refused(R"(backends:
  app: {url: "http://h"}
endpoints:
  - path: /x
    backend: app
    routes: {$default: {path: /m, batch: {max: 2}}}
tracing: {otlp: "http://h"}
)"),
      ElementsAre("f:7:1: tracing: tracing is not served by this version yet; allowed: off"));
}

TEST(NotYetServed, DoesNotHideOtherMistakes) {
  EXPECT_THAT(refused(with_endpoint("tracing: {otlp: \"http://h\", ratio: 2}\n")),
              ElementsAre("f:1:1: tracing: tracing is not served by this version yet; allowed: off",
                          "f:1:36: tracing.ratio: \"2\" is out of range; allowed: a number above "
                          "0, up to 1"));
}

TEST(NotYetServed, LeavesWhatIsOffAlone) {
  EXPECT_THAT(refused(R"(
backends: {app: {url: "http://h", health: {}}}
endpoints:
  - {path: /x, auth: {}, compression: off, backend: app, routes: {a: {path: /a, batch: {max: 1}}}}
backplane: {redis: , partition: serve}
tracing: off
)"),
              ElementsAre());
}

}  // namespace
}  // namespace sockhook::conf
