#include "proxy/net/soon.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "tests/support/loop_runner.h"

namespace sockhook::net {
namespace {

struct Recorder : SoonListener {
  void on_soon(Soon& soon) override {
    ran.push_back(&soon);
    if (when_run) when_run(soon);
  }
  std::vector<Soon*> ran;
  std::function<void(Soon&)> when_run;
};

TEST(Soon, RunsInOrderOnceAndNotFromInsideArm) {
  testing::LoopRunner runner;
  Recorder recorder;
  Soon first(&recorder);
  Soon second(&recorder);
  runner.loop().soon().arm(first);
  runner.loop().soon().arm(second);
  runner.loop().soon().arm(first);
  EXPECT_TRUE(recorder.ran.empty());
  ASSERT_TRUE(runner.run_until([&] { return recorder.ran.size() >= 2; }));
  runner.run_for(5);
  EXPECT_EQ(recorder.ran, (std::vector<Soon*>{&first, &second}));
}

TEST(Soon, ACancelledOneDoesNotRun) {
  testing::LoopRunner runner;
  Recorder recorder;
  Soon first(&recorder);
  Soon second(&recorder);
  runner.loop().soon().arm(first);
  runner.loop().soon().arm(second);
  recorder.when_run = [&](Soon&) { second.cancel(); };
  runner.run_for(5);
  EXPECT_EQ(recorder.ran, (std::vector<Soon*>{&first}));
}

TEST(Soon, OneThatIsArmedWhileItRunsRunsAgainWithoutAWait) {
  Loop loop;
  Recorder recorder;
  Soon soon(&recorder);
  recorder.when_run = [&](Soon& s) {
    if (recorder.ran.size() < 3) {
      loop.soon().arm(s);
    } else {
      loop.close();
    }
  };
  loop.soon().arm(soon);
  loop.run();  // would wait for ever if the loop slept between the runs
  EXPECT_EQ(recorder.ran.size(), 3U);
}

}  // namespace
}  // namespace sockhook::net
