#include "proxy/observe/loop_pulse.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/support/loop_runner.h"

namespace sockhook::observe {
namespace {

class LoopPulseTest : public ::testing::Test {
 protected:
  sockhook::testing::LoopRunner runner;
  Metrics metrics{conf::Config{}, 1};
  Gauge& lag_us = metrics.control.loop_lag_us;
};

TEST_F(LoopPulseTest, BeforeTheLoopsHaveBeatenTheyDoNotTurn) {
  EXPECT_FALSE(loops_turn(metrics));
  LoopPulse control(runner.loop(), lag_us, metrics.control.pulse_at_ms);
  EXPECT_FALSE(loops_turn(metrics)) << "the worker has not beaten";
}

TEST_F(LoopPulseTest, ALoopBeatsAsLongAsItTurns) {
  LoopPulse control(runner.loop(), lag_us, metrics.control.pulse_at_ms);
  const int64_t first = metrics.control.pulse_at_ms.value();
  EXPECT_TRUE(runner.run_until([&] { return metrics.control.pulse_at_ms.value() > first; }));
}

TEST_F(LoopPulseTest, AHangIsMeasuredAndForgottenWithTheNextBeat) {
  LoopPulse control(runner.loop(), lag_us, metrics.control.pulse_at_ms);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_TRUE(runner.run_until([&] { return lag_us.value() >= 80'000; }));
  EXPECT_TRUE(runner.run_until([&] { return lag_us.value() < 80'000; }));
}

TEST_F(LoopPulseTest, ALoopThatHasNotTurnedForASecondHangs) {
  LoopPulse control(runner.loop(), lag_us, metrics.control.pulse_at_ms);
  WorkerMetrics& worker = *metrics.workers[0];
  LoopPulse second(runner.loop(), worker.loop_lag_us, worker.pulse_at_ms);
  EXPECT_TRUE(loops_turn(metrics));
  worker.pulse_at_ms.add(-LoopPulse::kDeadMs - 1);
  EXPECT_FALSE(loops_turn(metrics));
}

}  // namespace
}  // namespace sockhook::observe
