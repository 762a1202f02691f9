#include "backplane/memory_claims.h"

#include <gtest/gtest.h>

#include <vector>

namespace sockhook::backplane {
namespace {

Digest digest(std::uint8_t value) {
  Digest bytes{};
  bytes.fill(value);
  return bytes;
}

struct Decision {
  std::uint64_t ticket;
  ClaimResult result;
  std::string body;
  bool operator==(const Decision&) const = default;
};

struct Recorder final : ClaimListener {
  void on_claim(std::uint64_t ticket, ClaimResult result, const RememberedAnswer& answer) override {
    decisions.push_back({ticket, result, answer.body});
  }
  std::vector<Decision> decisions;
};

class MemoryClaimsTest : public testing::Test {
 protected:
  void claim(std::uint8_t key, std::uint8_t request, std::uint64_t ticket) {
    backplane.claim({digest(key), digest(request)}, ticket, &recorder);
  }
  std::vector<Decision> take() { return std::exchange(recorder.decisions, {}); }

  std::uint64_t now_ms = 1'000;
  MemoryClaims backplane{[this] { return now_ms; }, 3};
  Recorder recorder;
};

TEST_F(MemoryClaimsTest, FirstClaimOfAKeyIsMine) {
  claim(1, 1, 7);
  EXPECT_EQ(take(), (std::vector<Decision>{{7, ClaimResult::kMine, ""}}));
}

TEST_F(MemoryClaimsTest, RepeatAfterTheAnswerGetsTheAnswer) {
  claim(1, 1, 1);
  backplane.settle(digest(1), {200, "{}"});
  claim(1, 1, 2);
  EXPECT_EQ(take().back(), (Decision{2, ClaimResult::kRemembered, "{}"}));
}

TEST_F(MemoryClaimsTest, RepeatsWhileTheFirstRunsWaitForItInOrder) {
  claim(1, 1, 1);
  claim(1, 1, 2);
  claim(1, 1, 3);
  EXPECT_EQ(take().size(), 1U);
  backplane.settle(digest(1), {202, "held"});
  EXPECT_EQ(take(), (std::vector<Decision>{{2, ClaimResult::kRemembered, "held"},
                                           {3, ClaimResult::kRemembered, "held"}}));
}

TEST_F(MemoryClaimsTest, AnotherRequestWithTheSameKeyIsAConflictRunningOrSettled) {
  claim(1, 1, 1);
  claim(1, 2, 2);
  EXPECT_EQ(take().back(), (Decision{2, ClaimResult::kConflict, ""}));
  backplane.settle(digest(1), {200, "{}"});
  claim(1, 2, 3);
  EXPECT_EQ(take().back(), (Decision{3, ClaimResult::kConflict, ""}));
}

TEST_F(MemoryClaimsTest, AnAbandonedClaimGoesToTheNextInLineAndTheOthersGoOnWaiting) {
  claim(1, 1, 1);
  claim(1, 1, 2);
  claim(1, 1, 3);
  take();
  backplane.abandon(digest(1));
  EXPECT_EQ(take(), (std::vector<Decision>{{2, ClaimResult::kMine, ""}}));
  backplane.settle(digest(1), {410, "gone"});
  EXPECT_EQ(take(), (std::vector<Decision>{{3, ClaimResult::kRemembered, "gone"}}));
}

TEST_F(MemoryClaimsTest, AnAbandonedClaimLeavesNothingBehind) {
  claim(1, 1, 1);
  backplane.abandon(digest(1));
  EXPECT_EQ(backplane.records(), 0U);
  claim(1, 9, 2);
  EXPECT_EQ(take().back(), (Decision{2, ClaimResult::kMine, ""}));
}

TEST_F(MemoryClaimsTest, AnswersAreRememberedForTwoMinutesAndNoLonger) {
  claim(1, 1, 1);
  backplane.settle(digest(1), {200, "{}"});
  now_ms += 119'999;
  claim(1, 1, 2);
  EXPECT_EQ(take().back().result, ClaimResult::kRemembered);
  now_ms += 1;
  claim(1, 1, 3);
  EXPECT_EQ(take().back().result, ClaimResult::kMine);
}

TEST_F(MemoryClaimsTest, AFullTableRefusesNewKeysButKeepsItsPromiseToTheOldOnes) {
  for (std::uint8_t key = 1; key <= 3; ++key) {
    claim(key, key, key);
    backplane.settle(digest(key), {200, "{}"});
  }
  claim(4, 4, 4);
  EXPECT_EQ(take().back().result, ClaimResult::kUnavailable);
  claim(1, 1, 5);
  EXPECT_EQ(take().back().result, ClaimResult::kRemembered);
  now_ms += kRememberMs;
  claim(4, 4, 6);
  EXPECT_EQ(take().back().result, ClaimResult::kMine);
}

TEST_F(MemoryClaimsTest, ARunningRequestNeverExpires) {
  claim(1, 1, 1);
  now_ms += 10 * kRememberMs;
  claim(1, 1, 2);
  EXPECT_EQ(take().size(), 1U);
  backplane.settle(digest(1), {200, "{}"});
  EXPECT_EQ(take().back().result, ClaimResult::kRemembered);
}

}  // namespace
}  // namespace sockhook::backplane
