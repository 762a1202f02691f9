// The contract of backplane.h: claims of several nodes.

#include "tests/backplane/backplane_contract.h"

namespace sockhook::backplane {
namespace {

class BackplaneClaims : public BackplaneContract {};

TEST_P(BackplaneClaims, TheFirstRunsItAndAllOthersGetItsAnswer) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  EXPECT_EQ(decision(a, claim(a, 1, 1)), (Decision{ClaimResult::kMine, ""}));
  const std::uint64_t here = claim(a, 1, 1);
  const std::uint64_t there = claim(b, 1, 1);
  grounds->run_for(300);
  EXPECT_FALSE(a.claims.contains(here)) << "waits for the one that runs";
  EXPECT_FALSE(b.claims.contains(there)) << "waits for the one that runs";
  a.backplane->settle(digest(1), {200, "{\"delivered\":1}"});
  EXPECT_EQ(decision(a, here), (Decision{ClaimResult::kRemembered, "{\"delivered\":1}"}));
  EXPECT_EQ(decision(b, there), (Decision{ClaimResult::kRemembered, "{\"delivered\":1}"}));
  EXPECT_EQ(decision(b, claim(b, 1, 1)).result, ClaimResult::kRemembered);
  EXPECT_EQ(decision(a, claim(a, 1, 1)).result, ClaimResult::kRemembered);
}

TEST_P(BackplaneClaims, AnotherRequestWithTheSameKeyIsAConflictRunningOrSettled) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  EXPECT_EQ(decision(a, claim(a, 1, 1)).result, ClaimResult::kMine);
  EXPECT_EQ(decision(a, claim(a, 1, 2)).result, ClaimResult::kConflict);
  EXPECT_EQ(decision(b, claim(b, 1, 2)).result, ClaimResult::kConflict);
  a.backplane->settle(digest(1), {200, ""});
  EXPECT_EQ(decision(a, claim(a, 1, 2)).result, ClaimResult::kConflict);
  EXPECT_EQ(decision(b, claim(b, 1, 2)).result, ClaimResult::kConflict);
  EXPECT_EQ(decision(b, claim(b, 1, 1)).result, ClaimResult::kRemembered);
}

TEST_P(BackplaneClaims, ClaimsOfOneTurnAreDecidedOneByOne) {
  ClusterMember& a = add("a");
  const std::uint64_t first = claim(a, 1, 1);
  const std::uint64_t other_request = claim(a, 1, 2);
  const std::uint64_t repeat = claim(a, 1, 1);
  EXPECT_EQ(decision(a, first).result, ClaimResult::kMine);
  EXPECT_EQ(decision(a, other_request).result, ClaimResult::kConflict);
  a.backplane->settle(digest(1), {410, "gone"});
  EXPECT_EQ(decision(a, repeat), (Decision{ClaimResult::kRemembered, "gone"}));
}

TEST_P(BackplaneClaims, AnAbandonedClaimGoesToTheNextInLine) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  EXPECT_EQ(decision(a, claim(a, 1, 1)).result, ClaimResult::kMine);
  const std::uint64_t there = claim(b, 1, 1);
  grounds->run_for(100);
  a.backplane->abandon(digest(1));
  EXPECT_EQ(decision(b, there).result, ClaimResult::kMine);
  const std::uint64_t here = claim(a, 1, 1);
  b.backplane->settle(digest(1), {202, "held"});
  EXPECT_EQ(decision(a, here), (Decision{ClaimResult::kRemembered, "held"}));
}

TEST_P(BackplaneClaims, AnAbandonedClaimLeavesNothingBehind) {
  ClusterMember& a = add("a");
  EXPECT_EQ(decision(a, claim(a, 1, 1)).result, ClaimResult::kMine);
  a.backplane->abandon(digest(1));
  const std::uint64_t again = claim(a, 1, 9);
  EXPECT_EQ(decision(a, again).result, ClaimResult::kMine);
  a.backplane->abandon(digest(1));
}

INSTANTIATE_TEST_SUITE_P(Over, BackplaneClaims, kAll, kind_of);

}  // namespace
}  // namespace sockhook::backplane
