// Waking a loop from other threads.

#include "proxy/net/wake_up.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/loop_runner.h"

namespace sockhook::net {
namespace {

struct Sleeper final : WakeUpListener {
  void on_wake_up() override { ++times; }
  int times = 0;
};

TEST(WakeUp, WakesALoopThatWaitsOnceForManyCalls) {
  testing::LoopRunner runner;
  Sleeper sleeper;
  WakeUp wake_up(runner.loop(), &sleeper);
  std::thread waker([&] {
    for (int i = 0; i < 10; ++i) wake_up.wake();
  });
  waker.join();
  EXPECT_TRUE(runner.run_until([&] { return sleeper.times > 0; }));
  runner.run_for(10);
  const int before = sleeper.times;
  EXPECT_LE(before, 2);
  wake_up.wake();
  EXPECT_TRUE(runner.run_until([&] { return sleeper.times > before; }));
  wake_up.close();
  runner.run_for(10);
}

TEST(WakeUp, NothingComesAfterItWasClosed) {
  testing::LoopRunner runner;
  Sleeper sleeper;
  WakeUp wake_up(runner.loop(), &sleeper);
  wake_up.wake();
  wake_up.close();
  wake_up.wake();
  runner.run_for(10);
  EXPECT_EQ(sleeper.times, 0);
}

}  // namespace
}  // namespace sockhook::net
