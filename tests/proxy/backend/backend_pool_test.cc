#include "proxy/backend/backend_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/proxy/backend/pool_fixture.h"

namespace sockhook::backend {
namespace {

TEST_F(PoolTest, ConnectsWhenItIsAskedAndNotBefore) {
  auto& backend = add_backend();
  User user(open_pool());
  testing::run_for(loop, 30);
  EXPECT_EQ(backend.connections.size(), 0u);

  user.ask();
  EXPECT_FALSE(user.has_lease()) << "a new connection comes from the loop";
  ASSERT_TRUE(until([&] { return user.has_lease(); }));
  EXPECT_FALSE(user.lease.is_reused());
  EXPECT_GT(user.lease.connect_us(), 0u);
  EXPECT_EQ(user.lease.url().authority, config.urls[0].authority);
}

TEST_F(PoolTest, AnIdleConnectionIsLeasedAtOnce) {
  auto& backend = add_backend();
  User user(open_pool());
  ASSERT_TRUE(get_lease(user));
  user.lease.give_back();
  EXPECT_EQ(pool->stats().idle, 1u);

  user.ask();
  ASSERT_TRUE(user.has_lease());
  EXPECT_TRUE(user.lease.is_reused());
  EXPECT_EQ(user.lease.connect_us(), 0u);
  EXPECT_EQ(backend.connections.size(), 1u);
}

TEST_F(PoolTest, TheConnectionUsedLastIsUsedNext) {
  add_backend();
  User first(open_pool());
  User second(*pool);
  ASSERT_TRUE(get_lease(first));
  ASSERT_TRUE(get_lease(second));
  const auto* last = &second.lease.connection();
  first.lease.give_back();
  second.lease.give_back();
  first.ask();
  EXPECT_EQ(&first.lease.connection(), last);
}

TEST_F(PoolTest, OpensNoMoreConnectionsThanAllowedAndServesWaitingInOrder) {
  config.max_connections = 2;
  auto& backend = add_backend();
  open_pool();
  std::vector<std::unique_ptr<User>> users;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < 6; ++i) {
    users.push_back(std::make_unique<User>(*pool));
    users.back()->when_connected = [&order, i](User&) { order.push_back(i); };
    users.back()->ask();
  }
  ASSERT_TRUE(until([&] { return order.size() == 2; }));
  testing::run_for(loop, 30);
  EXPECT_EQ(pool->stats().waiting, 4u);
  for (std::size_t i = 0; i < 6; ++i) users[i]->lease.give_back();
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(backend.connections.size(), 2u);
}

TEST_F(PoolTest, LiveTrafficGoesBeforeTheBacklog) {
  config.max_connections = 1;
  add_backend();
  User holder(open_pool());
  User backlog(*pool);
  User live(*pool);
  ASSERT_TRUE(get_lease(holder));
  backlog.ask(Priority::kBacklog);
  live.ask(Priority::kLive);
  holder.lease.give_back();
  EXPECT_TRUE(live.has_lease());
  EXPECT_FALSE(backlog.has_lease());
  live.lease.give_back();
  EXPECT_TRUE(backlog.has_lease());
}

TEST_F(PoolTest, ADestroyedRequestIsForgottenAndItsConnectionKeptForOthers) {
  add_backend();
  open_pool();
  {
    User gone(*pool);
    gone.ask();
  }
  EXPECT_EQ(pool->stats().waiting, 0u);
  ASSERT_TRUE(until([&] { return pool->stats().idle == 1; }));
}

TEST_F(PoolTest, AFreshConnectionIsNeverOneThatHasBeenIdle) {
  auto& backend = add_backend();
  User user(open_pool());
  ASSERT_TRUE(get_lease(user));
  user.lease.give_back();
  user.ask(Priority::kLive, true);
  EXPECT_FALSE(user.has_lease());
  ASSERT_TRUE(until([&] { return user.has_lease(); }));
  EXPECT_FALSE(user.lease.is_reused());
  EXPECT_EQ(backend.connections.size(), 2u);
}

TEST_F(PoolTest, AFreshConnectionTakesThePlaceOfAnIdleOneWhereThereIsNoOther) {
  config.max_connections = 1;
  auto& backend = add_backend();
  User user(open_pool());
  ASSERT_TRUE(get_lease(user));
  user.lease.give_back();
  user.ask(Priority::kLive, true);
  ASSERT_TRUE(until([&] { return user.has_lease(); }));
  EXPECT_FALSE(user.lease.is_reused());
  ASSERT_TRUE(until([&] { return backend.open() == 1; }));
}

TEST_F(PoolTest, WhoWaitsForAFreshConnectionIsNotOvertakenForEver) {
  config.max_connections = 1;
  add_backend();
  User holder(open_pool());
  User fresh(*pool);
  User other(*pool);
  ASSERT_TRUE(get_lease(holder));
  fresh.ask(Priority::kLive, true);
  other.ask();
  holder.lease.give_back();
  EXPECT_FALSE(other.has_lease());
  ASSERT_TRUE(until([&] { return fresh.has_lease(); }));
  EXPECT_FALSE(fresh.lease.is_reused());
}

TEST_F(PoolTest, AnIdleConnectionThatTheBackendClosesIsForgotten) {
  auto& backend = add_backend();
  User user(open_pool());
  ASSERT_TRUE(get_lease(user));
  user.lease.give_back();
  ASSERT_TRUE(until([&] { return backend.connections.size() == 1; }));
  backend.connection(0).close();
  ASSERT_TRUE(until([&] { return pool->stats().open == 0; }));
  ASSERT_TRUE(get_lease(user));
  EXPECT_FALSE(user.lease.is_reused());
}

TEST_F(PoolTest, AnIdleConnectionIsClosedAtItsAge) {
  auto& backend = add_backend();
  User user(open_pool(50));
  ASSERT_TRUE(get_lease(user));
  user.lease.give_back();
  testing::run_for(loop, 20);
  EXPECT_EQ(backend.open(), 1u);
  ASSERT_TRUE(until([&] { return backend.open() == 0 && pool->stats().open == 0; }));
}

TEST_F(PoolTest, AConnectionThatTheAnswerClosedIsNotUsedAgain) {
  auto& backend = add_backend();
  backend.on_received = [](auto& connection) {
    connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  };
  User user(open_pool());
  ASSERT_TRUE(get_lease(user));
  user.send();
  ASSERT_TRUE(until([&] { return user.has_answer; }));
  user.lease.give_back();
  EXPECT_EQ(pool->stats().idle, 0u);
  ASSERT_TRUE(until([&] { return pool->stats().open == 0; }));
}

TEST_F(PoolTest, AnAnsweredConnectionServesTheNextRequest) {
  auto& backend = add_backend();
  backend.on_received = [](auto& connection) { connection.send(kOk); };
  User user(open_pool());
  ASSERT_TRUE(get_lease(user));
  for (int i = 0; i < 3; ++i) {
    user.has_answer = false;
    user.send();
    ASSERT_TRUE(until([&] { return user.has_answer; }));
    user.lease.give_back();
    user.ask();
    ASSERT_TRUE(user.has_lease());
  }
  EXPECT_EQ(backend.connections.size(), 1u);
}

TEST_F(PoolTest, ADroppedLeaseResetsTheConnectionSoThatTheBackendNotices) {
  auto& backend = add_backend();
  User user(open_pool());
  ASSERT_TRUE(get_lease(user));
  user.send();
  ASSERT_TRUE(until([&] { return !backend.connections.empty(); }));
  ASSERT_TRUE(until([&] { return !backend.connection(0).received.empty(); }));
  user.lease = Lease();
  ASSERT_TRUE(until([&] { return backend.connection(0).was_reset(); }));
  EXPECT_FALSE(user.has_failed) << "no event follows";
}

TEST_F(PoolTest, ALeaseMayOutliveItsBrokenConnection) {
  auto& backend = add_backend();
  backend.on_received = [](auto& connection) { connection.reset(); };
  User user(open_pool());
  ASSERT_TRUE(get_lease(user));
  user.send();
  ASSERT_TRUE(until([&] { return user.has_failed; }));
  testing::run_for(loop, 20);
  user.lease.give_back();
  EXPECT_EQ(pool->stats().open, 0u);
  EXPECT_TRUE(get_lease(user));
}

TEST_F(PoolTest, SpeaksOverUnixSockets) {
  const std::string path = ::testing::TempDir() + "/sockhook-pool-" + std::to_string(getpid());
  backends.push_back(
      std::make_unique<testing::ScriptedBackend>(loop, net::SocketAddress::unix_path(path)));
  backends[0]->on_received = [](auto& connection) { connection.send(kOk); };
  config.urls.emplace_back();
  config.urls[0].unix_path = path;
  config.urls[0].authority = "localhost";
  User user(open_pool());
  ASSERT_TRUE(get_lease(user));
  user.send();
  ASSERT_TRUE(until([&] { return user.has_answer; }));
  unlink(path.c_str());
}

TEST_F(PoolTest, ClosingEndsIdleConnectionsAtOnceAndLetsLeasesFinish) {
  auto& backend = add_backend();
  User leased(open_pool());
  User idle(*pool);
  ASSERT_TRUE(get_lease(leased));
  ASSERT_TRUE(get_lease(idle));
  idle.lease.give_back();
  pool->close();
  ASSERT_TRUE(until([&] { return backend.open() == 1; }));
  testing::run_for(loop, 30);
  EXPECT_EQ(pools_closed, 0);

  backend.on_received = [](auto& connection) { connection.send(kOk); };
  leased.send();
  ASSERT_TRUE(until([&] { return leased.has_answer; }));
  leased.lease.give_back();
  EXPECT_TRUE(until([&] { return pools_closed == 1; }));
  EXPECT_EQ(pool, nullptr);
}

TEST_F(PoolTest, ClosingStillServesThoseWhoWait) {
  config.max_connections = 1;
  add_backend();
  User holder(open_pool());
  User waiting(*pool);
  ASSERT_TRUE(get_lease(holder));
  waiting.ask();
  pool->close();
  holder.lease.give_back();
  ASSERT_TRUE(waiting.has_lease());
  waiting.lease.give_back();
  EXPECT_TRUE(until([&] { return pools_closed == 1; }));
}

}  // namespace
}  // namespace sockhook::backend
