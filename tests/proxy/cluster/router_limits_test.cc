// What waits in the router, how long, and how much of it.

#include "proxy/cluster/cluster_router.h"
#include "tests/proxy/cluster/router_fixture.h"

namespace sockhook::cluster {
namespace {

using push::CountGroup;
using push::Describe;
using push::Everyone;
using push::GroupMembers;
using push::OneConnection;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using RouterLimits = RouterTest;

TEST_F(RouterLimits, NothingWaitsLongerThanFiveSeconds) {
  const Ticket one = submit(text_to(OneConnection{id_of(7)}));
  dispatched(one, {7});
  const Ticket send = submit(text_to(GroupMembers{"g"}));
  dispatched(send, {2, 7});
  local_answers(counts(1));
  reply(2, send, counts(2));
  const Ticket count = submit(CountGroup{"g"});
  const std::uint64_t began_ms = uv_hrtime() / 1'000'000;
  EXPECT_TRUE(runner.run_until(
      [&] { return asker.failures.size() == 2 && asker.outcomes.size() == 1; }, 7000));
  EXPECT_GE(uv_hrtime() / 1'000'000 - began_ms, 4900U);
  EXPECT_EQ(asker.failures.at(one), RouteFailure::kTimedOut);
  EXPECT_EQ(asker.failures.at(count), RouteFailure::kTimedOut);
  EXPECT_EQ(asker.outcomes.at(send).delivered, 3U);
  EXPECT_THAT(asker.outcomes.at(send).unknown_nodes, ElementsAre("gw-7"));
  reply(7, send, counts(9));
  EXPECT_EQ(asker.outcomes.at(send).delivered, 3U) << "a late answer is nobody's";
}

TEST_F(RouterLimits, TooManyCommandsAtOnceAreRefused) {
  const auto id = id_of(7);
  for (std::size_t i = 0; i < ClusterRouter::kMaxFlows; ++i) submit(Describe{id});
  const Ticket ticket = submit(Describe{id});
  EXPECT_EQ(backplane.sent.size(), ClusterRouter::kMaxFlows);
  EXPECT_TRUE(wait_for_a_failure());
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kOverloaded);
}

TEST_F(RouterLimits, WhatNobodyWaitsForIsNotAnswered) {
  router.submit({text_to(GroupMembers{"g"}), nullptr}, nullptr);
  router.submit({text_to(OneConnection{id_of(7)}), nullptr}, nullptr);
  ASSERT_EQ(backplane.sent.size(), 2U);
  EXPECT_EQ(local.submitted.size(), 1U);
  for (const auto& sent : backplane.sent) {
    EXPECT_EQ(sent.ticket, 0U);
    EXPECT_EQ(std::get<Request>(*decode(sent.payload)).ticket, 0U);
  }
  router.on_message(key(7), backplane.sent[0].payload);
  ASSERT_EQ(local.submitted.size(), 2U) << "and there it is carried out";
  EXPECT_EQ(local.submitted.back().listener, nullptr);
}

TEST_F(RouterLimits, AListenerThatIsForgottenHearsNothing) {
  const Ticket ticket = submit(Describe{id_of(7)});
  backplane.has_known_others = false;
  submit(text_to(Everyone{}));
  router.forget(&asker);
  dispatched(ticket, {});
  runner.run_for(20);
  EXPECT_THAT(asker.outcomes, IsEmpty());
  EXPECT_THAT(asker.failures, IsEmpty());
}

}  // namespace
}  // namespace sockhook::cluster
