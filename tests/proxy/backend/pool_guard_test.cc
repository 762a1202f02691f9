// What a pool does to spare its backend: the breaker, and the longest wait.

#include <gtest/gtest.h>

#include "tests/proxy/backend/pool_fixture.h"

namespace sockhook::backend {
namespace {

class GuardedPoolTest : public PoolTest {
 protected:
  struct Guarded : User {
    explicit Guarded(BackendPool& p) : User(p) { is_guarded = true; }
  };

  GuardedPoolTest() { config.breaker = conf::Breaker{conf::Percent{50}, 4, conf::Duration{150}}; }

  // One webhook that goes wrong.
  void fail_once(uint64_t retry_after_ms = 0) {
    Guarded user(*pool);
    ASSERT_TRUE(get_lease(user));
    user.lease.report_failed(retry_after_ms);
    user.lease.give_back();
  }
  void open_breaker() {
    fail_once();
    fail_once();
    ASSERT_EQ(breaker->state(), Breaker::State::kOpen);
  }
  // What becomes of one.
  std::optional<NoConnection> try_one() {
    Guarded user(*pool);
    user.ask();
    EXPECT_TRUE(until([&] { return user.has_lease() || user.outcome; }));
    return user.outcome;
  }
};

TEST_F(GuardedPoolTest, AnOpenBreakerRefusesWebhooksFromTheLoop) {
  auto& backend = add_backend();
  open_pool();
  open_breaker();
  const std::size_t connections = backend.connections.size();
  Guarded user(*pool);
  user.ask();
  EXPECT_FALSE(user.outcome) << "never from inside acquire()";
  ASSERT_TRUE(until([&] { return user.outcome.has_value(); }));
  EXPECT_EQ(user.outcome, NoConnection::kBreakerOpen);
  EXPECT_GT(pool->retry_after_ms(NoConnection::kBreakerOpen), 0U);
  EXPECT_LE(pool->retry_after_ms(NoConnection::kBreakerOpen), 150U);
  EXPECT_EQ(backend.connections.size(), connections);
}

TEST_F(GuardedPoolTest, WhatIsNoWebhookPassesAndCountsForNothing) {
  add_backend();
  open_pool();
  for (int i = 0; i < 10; ++i) {
    User plain(*pool);
    ASSERT_TRUE(get_lease(plain));
    plain.lease.report_failed();
    plain.lease.give_back();
  }
  EXPECT_EQ(breaker->state(), Breaker::State::kClosed);
  open_breaker();
  User plain(*pool);
  EXPECT_TRUE(get_lease(plain));
}

TEST_F(GuardedPoolTest, AGoodProbeClosesIt) {
  add_backend();
  open_pool();
  open_breaker();
  ASSERT_TRUE(until([&] { return breaker->open_for_ms(loop.now_ms()) == 0; }));
  Guarded probe(*pool);
  ASSERT_TRUE(get_lease(probe));
  EXPECT_EQ(try_one(), NoConnection::kBreakerOpen) << "one at a time";
  probe.lease.report_good();
  EXPECT_EQ(try_one(), std::nullopt);
}

TEST_F(GuardedPoolTest, AProbeThatIsDroppedMakesRoomForTheNext) {
  add_backend();
  open_pool();
  open_breaker();
  ASSERT_TRUE(until([&] { return breaker->open_for_ms(loop.now_ms()) == 0; }));
  {
    Guarded probe(*pool);
    ASSERT_TRUE(get_lease(probe));
  }
  {
    Guarded waits(*pool);
    waits.ask();
  }
  EXPECT_EQ(try_one(), std::nullopt);
  EXPECT_EQ(breaker->state(), Breaker::State::kHalfOpen);
}

TEST_F(GuardedPoolTest, ABackendThatCannotBeReachedOpensIt) {
  config.urls = {dead_url()};
  open_pool();
  EXPECT_EQ(try_one(), NoConnection::kUnreachable);
  EXPECT_EQ(try_one(), NoConnection::kUnreachable);
  EXPECT_EQ(try_one(), NoConnection::kBreakerOpen);
}

TEST_F(GuardedPoolTest, WhoWaitsWhenItOpensIsToldOnAllWorkers) {
  config.max_connections = 2;
  add_backend();
  open_pool();
  other_pool = std::make_unique<BackendPool>(loop, std::make_shared<conf::Backend>(config), *budget,
                                             this, nullptr, breaker.get());
  Guarded first(*pool);
  Guarded second(*pool);
  ASSERT_TRUE(get_lease(first));
  ASSERT_TRUE(get_lease(second));
  Guarded here(*pool);
  Guarded there(*other_pool);
  User plain(*pool);
  here.client = &here;
  for (User* user : {static_cast<User*>(&here), static_cast<User*>(&there), &plain}) user->ask();
  first.lease.report_failed();
  second.lease.report_failed();
  ASSERT_TRUE(until([&] { return here.outcome && there.outcome; }));
  EXPECT_EQ(here.outcome, NoConnection::kBreakerOpen);
  EXPECT_EQ(there.outcome, NoConnection::kBreakerOpen);
  EXPECT_TRUE(plain.is_waiting());
  first.lease.give_back();
  EXPECT_TRUE(plain.has_lease());
  plain.lease.discard();
  second.lease.discard();
  other_pool->close();
  EXPECT_TRUE(until([&] { return other_pool == nullptr; }));
}

class ImpatientPoolTest : public PoolTest {
 protected:
  ImpatientPoolTest() {
    config.max_connections = 1;
    config.queue_timeout = conf::Duration{60};
  }
};

TEST_F(ImpatientPoolTest, WhoHasWaitedForSoLongIsTold) {
  add_backend();
  User holder(open_pool());
  ASSERT_TRUE(get_lease(holder));
  User waits(*pool);
  User backlog(*pool);
  const uint64_t began_ms = uv_hrtime() / 1'000'000;
  waits.ask();
  backlog.ask(Priority::kBacklog);
  ASSERT_TRUE(until([&] { return waits.outcome.has_value(); }));
  EXPECT_GE(uv_hrtime() / 1'000'000 - began_ms, 55U);
  EXPECT_EQ(waits.outcome, NoConnection::kQueueTimeout);
  EXPECT_EQ(pool->retry_after_ms(NoConnection::kQueueTimeout), 60U);
  EXPECT_TRUE(backlog.is_waiting()) << "what is owed has time";
  holder.lease.give_back();
  EXPECT_TRUE(backlog.has_lease());
}

TEST_F(ImpatientPoolTest, WhoGetsAConnectionHasAllTheTimeItNeeds) {
  add_backend();
  User holder(open_pool());
  ASSERT_TRUE(get_lease(holder));
  User waits(*pool);
  waits.ask();
  holder.lease.give_back();
  ASSERT_TRUE(waits.has_lease());
  testing::run_for(loop, 120);
  EXPECT_TRUE(waits.has_lease());
  EXPECT_FALSE(waits.outcome);
}

}  // namespace
}  // namespace sockhook::backend
