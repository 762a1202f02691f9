// The phases of a drain, and who may begin and end it (contract 9).

#include "proxy/drain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/loop_runner.h"

namespace sockhook {
namespace {

using Phase = Drain::Phase;

class DrainTest : public ::testing::Test, public DrainOwner {
 protected:
  void on_drain_begun() override { events.push_back("begun"); }
  void close_connections(uint64_t period_ms) override {
    events.push_back("close over " + std::to_string(period_ms));
  }
  void give_up_connections() override { events.push_back("give up"); }
  void on_drained() override { events.push_back("end"); }

  void workers_drain() {
    drain.on_worker_drained();
    EXPECT_NE(drain.phase(), Phase::kDrained) << "there is another worker";
    drain.on_worker_drained();
  }

  testing::LoopRunner runner;
  std::vector<std::string> events;
  const conf::Drain settings{conf::Duration{20}, conf::Duration{30}};
  DrainOwner* const self = this;
  Drain drain{runner.loop(), settings, 2, self};
};

TEST_F(DrainTest, ASignalDrainsAndEnds) {
  EXPECT_TRUE(drain.on_signal());
  EXPECT_EQ(drain.phase(), Phase::kWaiting);
  ASSERT_TRUE(runner.run_until([&] { return drain.phase() == Phase::kClosing; }));
  workers_drain();
  EXPECT_EQ(drain.phase(), Phase::kDrained);
  EXPECT_EQ(events, (std::vector<std::string>{"begun", "close over 30", "end"}));
  EXPECT_FALSE(drain.on_signal()) << "the second one";
}

TEST_F(DrainTest, ARequestedOneWaitsForItsSignal) {
  drain.request();
  drain.request();
  ASSERT_TRUE(runner.run_until([&] { return drain.phase() == Phase::kClosing; }));
  drain.request();
  workers_drain();
  EXPECT_EQ(events, (std::vector<std::string>{"begun", "close over 30"}));
  EXPECT_TRUE(drain.on_signal());
  EXPECT_EQ(events.back(), "end");
  EXPECT_FALSE(drain.on_signal());
}

TEST_F(DrainTest, ASignalGoesOnWithARequestedOne) {
  drain.request();
  EXPECT_TRUE(drain.on_signal());
  EXPECT_EQ(drain.phase(), Phase::kWaiting);
  ASSERT_TRUE(runner.run_until([&] { return drain.phase() == Phase::kClosing; }));
  workers_drain();
  EXPECT_EQ(events, (std::vector<std::string>{"begun", "close over 30", "end"}));
}

TEST_F(DrainTest, AReplacedNodeClosesAtOnceAndEnds) {
  drain.on_replaced();
  EXPECT_EQ(drain.phase(), Phase::kClosing);
  workers_drain();
  EXPECT_EQ(events, (std::vector<std::string>{"begun", "close over 0", "end"}));
}

TEST_F(DrainTest, ANodeThatIsReplacedWhileItDrainsDoesNotStay) {
  drain.request();
  drain.on_replaced();
  workers_drain();
  EXPECT_EQ(events, (std::vector<std::string>{"begun", "close over 0", "end"}));
}

TEST_F(DrainTest, ADrainedNodeThatIsReplacedEnds) {
  drain.request();
  drain.on_replaced();
  workers_drain();
  drain.on_replaced();
  EXPECT_TRUE(drain.on_signal());
  EXPECT_EQ(std::count(events.begin(), events.end(), "end"), 1);
}

}  // namespace
}  // namespace sockhook
