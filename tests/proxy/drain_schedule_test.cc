// A drain spreads its closes (contract 9).

#include "proxy/drain_schedule.h"

#include <gtest/gtest.h>

#include <set>

namespace sockhook {
namespace {

constexpr uint64_t kBegin = 1'000'000;

class DrainScheduleTest : public ::testing::Test {
 protected:
  std::vector<webhook::ConnectionId> connections(std::size_t count) {
    const webhook::IdScheme scheme({}, {});
    std::vector<webhook::ConnectionId> made;
    for (std::size_t i = 0; i < count; ++i) {
      made.push_back(scheme.make({0, static_cast<uint32_t>(i)}, random_.bytes<12>()));
    }
    return made;
  }
  Random random_;
};

TEST_F(DrainScheduleTest, EachConnectionIsTakenOnceWithinThePeriod) {
  const auto all = connections(1000);
  DrainSchedule schedule(all, kBegin, 20'000, random_);
  std::set<webhook::ConnectionId> taken;
  for (uint64_t ms = 0; ms <= 20'000; ++ms) {
    while (const auto* id = schedule.take_due(kBegin + ms)) EXPECT_TRUE(taken.insert(*id).second);
  }
  EXPECT_EQ(taken, std::set<webhook::ConnectionId>(all.begin(), all.end()));
  EXPECT_EQ(schedule.take_due(UINT64_MAX), nullptr);
}

TEST_F(DrainScheduleTest, TheClosesAreSpreadEvenly) {
  DrainSchedule schedule(connections(1000), kBegin, 20'000, random_);
  for (uint64_t second = 1; second <= 20; ++second) {
    int in_this_second = 0;
    while (schedule.take_due(kBegin + second * 1000 - 1) != nullptr) ++in_this_second;
    EXPECT_NEAR(in_this_second, 50, 1) << second;
  }
}

TEST_F(DrainScheduleTest, TheMomentsAreNotAllAlike) {
  DrainSchedule schedule(connections(100), kBegin, 10'000, random_);
  std::set<uint64_t> offsets;  // within the 100 ms that each has
  for (uint64_t ms = 0; ms <= 10'000; ++ms) {
    if (schedule.take_due(kBegin + ms) != nullptr) offsets.insert(ms % 100);
  }
  EXPECT_GT(offsets.size(), 20U);
}

TEST_F(DrainScheduleTest, TheOrderIsNotThatOfTheSlots) {
  const auto all = connections(100);
  DrainSchedule schedule(all, kBegin, 0, random_);
  std::vector<webhook::ConnectionId> taken;
  while (const auto* id = schedule.take_due(kBegin)) taken.push_back(*id);
  EXPECT_EQ(taken.size(), 100U) << "a period of nothing closes all at once";
  EXPECT_NE(taken, all);
}

TEST_F(DrainScheduleTest, NoConnectionsAreNoTrouble) {
  DrainSchedule schedule({}, kBegin, 20'000, random_);
  EXPECT_EQ(schedule.take_due(UINT64_MAX), nullptr);
}

TEST_F(DrainScheduleTest, MoreConnectionsThanMilliseconds) {
  DrainSchedule schedule(connections(500), kBegin, 100, random_);
  std::size_t taken = 0;
  while (schedule.take_due(kBegin + 50) != nullptr) ++taken;
  EXPECT_NEAR(static_cast<double>(taken), 250, 10);
}

}  // namespace
}  // namespace sockhook
