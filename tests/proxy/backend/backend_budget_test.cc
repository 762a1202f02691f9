#include "proxy/backend/backend_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace sockhook::backend {
namespace {

class BackendBudgetTest : public testing::Test {
 protected:
  BackendBudget budget{2, [this] { ++wakes; }};
  std::atomic<int> wakes{0};

  void take_all() {
    ASSERT_TRUE(budget.acquire());
    ASSERT_TRUE(budget.acquire());
    ASSERT_FALSE(budget.acquire());
  }
};

TEST_F(BackendBudgetTest, GivesAsManyPermitsAsThereAre) {
  take_all();
  budget.release();
  EXPECT_TRUE(budget.acquire());
  EXPECT_FALSE(budget.acquire());
  EXPECT_EQ(wakes, 0) << "nobody waits";
}

TEST_F(BackendBudgetTest, AReleasedPermitGoesToTheOneInLineAndToNobodyElse) {
  take_all();
  BackendBudget::Waiter waiter;
  budget.want(waiter, 0);
  EXPECT_EQ(wakes, 1) << "others may have one to spare";
  EXPECT_FALSE(budget.take_granted(waiter));
  budget.release();
  EXPECT_EQ(wakes, 2);
  EXPECT_FALSE(budget.acquire());
  EXPECT_TRUE(budget.take_granted(waiter));
  EXPECT_FALSE(budget.take_granted(waiter)) << "once";
}

TEST_F(BackendBudgetTest, WhoHoldsLeastIsServedFirst) {
  take_all();
  BackendBudget::Waiter rich;
  BackendBudget::Waiter poor;
  budget.want(rich, 2);
  budget.want(poor, 0);
  budget.release();
  EXPECT_FALSE(budget.take_granted(rich));
  EXPECT_TRUE(budget.take_granted(poor));
  budget.release();
  EXPECT_TRUE(budget.take_granted(rich));
}

TEST_F(BackendBudgetTest, APermitReleasedJustBeforeTheWishIsGrantedAtOnce) {
  BackendBudget::Waiter waiter;
  budget.want(waiter, 0);
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(budget.take_granted(waiter));
  EXPECT_TRUE(budget.acquire());
  EXPECT_FALSE(budget.acquire());
}

TEST_F(BackendBudgetTest, WhoLeavesTheLineGivesAGrantBack) {
  take_all();
  BackendBudget::Waiter waiter;
  budget.want(waiter, 0);
  budget.release();
  budget.unwant(waiter);
  EXPECT_TRUE(budget.acquire());

  budget.want(waiter, 0);
  budget.unwant(waiter);
  budget.release();
  EXPECT_FALSE(budget.take_granted(waiter));
  EXPECT_TRUE(budget.acquire());
}

TEST_F(BackendBudgetTest, AnIdleConnectionIsYieldedToAnybodyInLine) {
  take_all();
  EXPECT_FALSE(budget.should_yield(2, false));
  BackendBudget::Waiter waiter;
  budget.want(waiter, 5);
  EXPECT_TRUE(budget.should_yield(1, false));
}

TEST_F(BackendBudgetTest, AWantedConnectionIsYieldedOnlyToMakeTheSharesMoreEqual) {
  take_all();
  BackendBudget::Waiter waiter;
  budget.want(waiter, 3);
  EXPECT_FALSE(budget.should_yield(3, true));
  EXPECT_FALSE(budget.should_yield(4, true)) << "they would only change places";
  EXPECT_TRUE(budget.should_yield(5, true));
}

TEST_F(BackendBudgetTest, WhoHoldsNothingIsAlwaysYieldedTo) {
  take_all();
  BackendBudget::Waiter waiter;
  budget.want(waiter, 0);
  EXPECT_TRUE(budget.should_yield(1, true));
}

// Two workers that fight for one permit: each gets its turn, and it is never held twice.
TEST(BackendBudget, TwoThreadsNeverHoldMoreThanThereIsAndBothComeToTheirTurn) {
  constexpr int kTurns = 2'000;
  std::atomic<bool> woken[2] = {false, false};
  BackendBudget budget(1, [&] {
    for (auto& flag : woken) {
      flag.store(true);
      flag.notify_all();
    }
  });
  std::atomic<int> held{0};
  std::atomic<int> most{0};
  const auto work = [&](std::atomic<bool>& wake) {
    BackendBudget::Waiter waiter;
    for (int turn = 0; turn < kTurns; ++turn) {
      if (!budget.acquire()) {
        budget.want(waiter, 0);
        while (!budget.take_granted(waiter)) {
          wake.wait(false);
          wake.store(false);
        }
      }
      most = std::max(most.load(), ++held);
      std::this_thread::yield();
      --held;
      budget.release();
    }
  };
  std::thread first(work, std::ref(woken[0]));
  std::thread second(work, std::ref(woken[1]));
  first.join();
  second.join();
  EXPECT_EQ(most, 1);
  EXPECT_TRUE(budget.acquire());
}

}  // namespace
}  // namespace sockhook::backend
