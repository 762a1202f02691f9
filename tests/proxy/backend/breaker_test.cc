// The circuit breaker as a state machine: the clock and the jitter are the test's.

#include "proxy/backend/breaker.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sockhook::backend {
namespace {

using State = Breaker::State;

class BreakerTest : public testing::Test {
 protected:
  bool passes() { return static_cast<bool>(breaker.ask(now_ms)); }
  void succeed(int times = 1) {
    for (int i = 0; i < times; ++i) breaker.succeeded(breaker.ask(now_ms));
  }
  // True: the last one has opened it.
  bool fail(int times = 1, uint64_t retry_after_ms = 0) {
    bool has_opened = false;
    for (int i = 0; i < times; ++i) {
      has_opened = breaker.failed(breaker.ask(now_ms), now_ms, retry_after_ms);
    }
    return has_opened;
  }
  // From now on; the clock stands where somebody may pass.
  uint64_t measure_open_ms() {
    const uint64_t begin_ms = now_ms;
    while (breaker.open_for_ms(now_ms) > 0) ++now_ms;
    return now_ms - begin_ms;
  }

  uint64_t now_ms = 1'000'000;
  uint64_t jitter = 0;       // what is taken from the time that it is open
  uint64_t jitter_most = 0;  // what it was asked to be below
  Breaker breaker{{conf::Percent{50}, 10, conf::Duration{1'000}}, [this](uint64_t bound) {
                    jitter_most = bound;
                    return jitter;
                  }};
};

TEST_F(BreakerTest, IsClosedWhileAllGoesWell) {
  succeed(1'000);
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_EQ(breaker.openings(), 0U);
}

TEST_F(BreakerTest, OpensWhenSoManyOfTheLastOnesHaveFailed) {
  EXPECT_FALSE(fail(4));
  succeed(6);
  EXPECT_FALSE(fail()) << "the first of the failures is the eleventh from the end";
  EXPECT_EQ(breaker.state(), State::kClosed);
  succeed(5);
  EXPECT_FALSE(fail(3));
  EXPECT_TRUE(fail()) << "the one before the good ones is the fifth";
}

TEST_F(BreakerTest, FailuresThatAreLongAgoDoNotCount) {
  for (int i = 0; i < 100; ++i) {
    fail(4);
    succeed(6);
  }
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_FALSE(fail(4));
  EXPECT_TRUE(fail());
}

TEST_F(BreakerTest, WhatHasNotBeenYetCountsAsGood) {
  EXPECT_FALSE(fail(4));
  EXPECT_TRUE(fail()) << "five, whatever ten will have been";
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_EQ(breaker.openings(), 1U);
}

TEST_F(BreakerTest, NobodyPassesWhileItIsOpen) {
  fail(5);
  EXPECT_FALSE(passes());
  EXPECT_EQ(breaker.open_for_ms(now_ms), 1'000U);
  now_ms += 999;
  EXPECT_FALSE(passes());
  EXPECT_EQ(breaker.open_for_ms(now_ms), 1U);
  now_ms += 1;
  EXPECT_EQ(breaker.state(), State::kOpen) << "until somebody asks";
  EXPECT_TRUE(passes());
}

TEST_F(BreakerTest, ThenOneAtATimeIsTheProbe) {
  fail(5);
  now_ms += 1'000;
  {
    const Breaker::Permit probe = breaker.ask(now_ms);
    EXPECT_TRUE(probe.is_probe());
    EXPECT_EQ(breaker.state(), State::kHalfOpen);
    EXPECT_FALSE(passes());
    now_ms += 60'000;
    EXPECT_FALSE(passes());
  }
  EXPECT_TRUE(breaker.ask(now_ms).is_probe()) << "that one has ended without a word";
}

TEST_F(BreakerTest, OneSuccessClosesIt) {
  fail(5);
  now_ms += 1'000;
  EXPECT_TRUE(breaker.succeeded(breaker.ask(now_ms)));
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_FALSE(fail(4)) << "what failed before is forgotten";
  EXPECT_TRUE(fail());
  EXPECT_EQ(measure_open_ms(), 1'000U) << "as for the first time";
}

TEST_F(BreakerTest, AFailedProbeOpensItForTwiceAsLongUpToThirtySeconds) {
  fail(5);
  for (const uint64_t open_ms : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
    EXPECT_EQ(measure_open_ms(), open_ms);
    EXPECT_TRUE(fail());
  }
}

TEST_F(BreakerTest, AQuarterOfItsTimeIsJitter) {
  jitter = 200;
  fail(5);
  EXPECT_EQ(jitter_most, 251U);
  EXPECT_EQ(measure_open_ms(), 800U);
  jitter = 500;
  fail();
  EXPECT_EQ(jitter_most, 501U);
  EXPECT_EQ(measure_open_ms(), 1'500U) << "of 2 s: jitter does not shorten the next ones";
}

TEST_F(BreakerTest, StaysOpenForAsLongAsTheBackendAsked) {
  fail(4, 60'000);
  now_ms += 10'000;
  fail();
  EXPECT_EQ(measure_open_ms(), 50'000U);
  fail(1, 1'000);
  EXPECT_EQ(measure_open_ms(), 2'000U) << "its own time is longer";
}

TEST_F(BreakerTest, WhatWasUnderWayWhenItOpenedSaysNothingNew) {
  std::vector<Breaker::Permit> under_way;
  for (int i = 0; i < 40; ++i) under_way.push_back(breaker.ask(now_ms));
  fail(5);
  EXPECT_FALSE(under_way.front().is_valid());
  EXPECT_FALSE(breaker.failed(std::move(under_way[0]), now_ms));
  EXPECT_FALSE(breaker.succeeded(std::move(under_way[1])));
  EXPECT_EQ(breaker.state(), State::kOpen);
  now_ms += 1'000;
  Breaker::Permit probe = breaker.ask(now_ms);
  EXPECT_TRUE(probe.is_valid());
  EXPECT_FALSE(breaker.failed(std::move(under_way[2]), now_ms));
  EXPECT_FALSE(breaker.succeeded(std::move(under_way[3])));
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  breaker.succeeded(std::move(probe));
  for (std::size_t i = 4; i < under_way.size(); ++i) {
    EXPECT_FALSE(breaker.failed(std::move(under_way[i]), now_ms));
  }
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST_F(BreakerTest, AWebhookWithoutAWordCountsForNothing) {
  for (int i = 0; i < 100; ++i) passes();
  EXPECT_EQ(breaker.state(), State::kClosed);
  fail(4);
  for (int i = 0; i < 100; ++i) passes();
  EXPECT_TRUE(fail()) << "nor as a good one";
}

TEST_F(BreakerTest, ItsThresholdIsRoundedUpAndAtLeastOne) {
  Breaker strict({conf::Percent{1}, 20, conf::Duration{1}}, [](uint64_t) { return 0; });
  EXPECT_TRUE(strict.failed(strict.ask(0), 0));
  Breaker third({conf::Percent{33}, 10, conf::Duration{1}}, [](uint64_t) { return 0; });
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(third.failed(third.ask(0), 0));
  EXPECT_TRUE(third.failed(third.ask(0), 0));
}

// Whatever they do at the same time, there is never more than one probe.
TEST(Breaker, ManyThreadsShareOneProbe) {
  Breaker breaker({conf::Percent{50}, 4, conf::Duration{1}}, [](uint64_t) { return 0; });
  std::atomic<uint64_t> clock{0};
  std::atomic<int> probes{0};
  std::atomic<int> most{0};
  const auto work = [&](unsigned salt) {
    for (unsigned i = 0; i < 20'000; ++i) {
      const uint64_t now_ms = clock.fetch_add(1);
      Breaker::Permit permit = breaker.ask(now_ms);
      if (!permit) continue;
      const bool is_probe = permit.is_probe();
      if (is_probe) most = std::max(most.load(), ++probes);
      const bool goes_well = (i * 7 + salt) % 3 == 0;
      if (is_probe) --probes;
      if (goes_well) {
        breaker.succeeded(std::move(permit));
      } else {
        breaker.failed(std::move(permit), now_ms);
      }
    }
  };
  std::thread first(work, 0);
  std::thread second(work, 1);
  work(2);
  first.join();
  second.join();
  EXPECT_EQ(most, 1);
  EXPECT_GT(breaker.openings(), 1U);
}

}  // namespace
}  // namespace sockhook::backend
