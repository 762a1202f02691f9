#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/proxy/backend/pool_fixture.h"

namespace sockhook::backend {
namespace {

// A listening socket whose queue is full: connects to it hang.
class HangingServer {
 public:
  HangingServer() {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const net::SocketAddress any = net::SocketAddress::ip("127.0.0.1", 0);
    SOCKHOOK_CHECK(::bind(fd_, any.get(), any.length()) == 0 && ::listen(fd_, 0) == 0);
    sockaddr_storage bound{};
    socklen_t length = sizeof(bound);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &length);
    address_ = net::SocketAddress::from(reinterpret_cast<sockaddr*>(&bound), length);
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      ::connect(filler, address_.get(), address_.length());
    }
  }
  ~HangingServer() {
    for (const int filler : fillers_) ::close(filler);
    ::close(fd_);
  }
  uint16_t port() const { return address_.port(); }

 private:
  int fd_;
  int fillers_[4];
  net::SocketAddress address_;
};

TEST_F(PoolTest, WhenEachAddressRefusesTheRequestIsToldFromTheLoop) {
  config.urls = {dead_url(), dead_url()};
  User user(open_pool());
  user.ask();
  EXPECT_FALSE(user.outcome);
  ASSERT_TRUE(until([&] { return user.outcome.has_value(); }));
  EXPECT_EQ(*user.outcome, NoConnection::kUnreachable);
  EXPECT_FALSE(user.is_waiting());
}

TEST_F(PoolTest, ARefusedConnectGoesToTheNextAddressAtOnce) {
  config.urls = {dead_url()};
  auto& live = add_backend();
  open_pool();
  for (int i = 0; i < 6; ++i) {
    User user(*pool);
    ASSERT_TRUE(get_lease(user)) << i;
    EXPECT_EQ(user.lease.url_index(), 1u);
  }
  EXPECT_EQ(live.connections.size(), 6u);
}

TEST_F(PoolTest, AConnectThatHangsIsGivenUpInConnectTimeout) {
  HangingServer hanging;
  config.urls = {url_of(hanging.port())};
  User user(open_pool());
  const uint64_t start_ms = uv_hrtime() / 1'000'000;
  user.ask();
  ASSERT_TRUE(until([&] { return user.outcome.has_value(); }));
  const uint64_t took_ms = uv_hrtime() / 1'000'000 - start_ms;
  EXPECT_GE(took_ms, 290u);
  EXPECT_LT(took_ms, 900u);
}

TEST_F(PoolTest, AHangingAddressIsFollowedByTheNextOne) {
  HangingServer hanging;
  config.urls = {url_of(hanging.port())};
  add_backend();
  open_pool();
  User first(*pool);
  User second(*pool);
  ASSERT_TRUE(get_lease(first));
  ASSERT_TRUE(get_lease(second));
}

TEST_F(PoolTest, EachWaitingRequestIsToldOfItsOwnFailure) {
  config.max_connections = 2;
  config.urls = {dead_url()};
  open_pool();
  std::vector<std::unique_ptr<User>> users;
  for (int i = 0; i < 20; ++i) {
    users.push_back(std::make_unique<User>(*pool));
    users.back()->ask();
  }
  for (const auto& user : users) {
    ASSERT_TRUE(until([&] { return user->outcome.has_value(); }));
  }
  EXPECT_EQ(pool->stats().waiting, 0u);
}

TEST_F(PoolTest, ARequestMayAskAgainWhenItIsToldThatThereIsNoConnection) {
  config.urls = {dead_url()};
  open_pool();
  struct Stubborn final : PoolRequest {
    explicit Stubborn(BackendPool& p) : pool(p) {}
    void on_connection(Lease) override {}
    void on_no_connection(NoConnection) override {
      if (++failures == 3) return;
      EXPECT_FALSE(pool.acquire(*this));
    }
    BackendPool& pool;
    int failures = 0;
  } stubborn(*pool);
  EXPECT_FALSE(pool->acquire(stubborn));
  EXPECT_TRUE(until([&] { return stubborn.failures == 3; }));
}

TEST_F(PoolTest, RequestsGoWhereTheFewestAreInFlight) {
  add_backend();
  add_backend();
  open_pool();
  std::vector<std::unique_ptr<User>> users;
  for (int i = 0; i < 8; ++i) {
    users.push_back(std::make_unique<User>(*pool));
    users.back()->ask();
  }
  ASSERT_TRUE(until([&] { return users.back()->has_lease(); }));
  EXPECT_EQ(backends[0]->connections.size(), 4u);
  EXPECT_EQ(backends[1]->connections.size(), 4u);
  // Those on the first backend end: the next four go there, on its idle connections.
  std::vector<User*> ended;
  for (auto& user : users) {
    if (user->lease.url_index() != 0) continue;
    user->lease.give_back();
    ended.push_back(user.get());
  }
  for (User* user : ended) {
    user->ask();
    ASSERT_TRUE(user->has_lease());
    EXPECT_EQ(user->lease.url_index(), 0u);
  }
}

TEST_F(PoolTest, OneRequestAfterTheOtherUsesAllAddressesAndOneConnectionOfEach) {
  add_backend();
  add_backend();
  User user(open_pool());
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(get_lease(user));
    user.lease.give_back();
  }
  EXPECT_EQ(backends[0]->connections.size(), 1u);
  EXPECT_EQ(backends[1]->connections.size(), 1u);
}

TEST_F(PoolTest, ResolvesNames) {
  auto& backend = add_backend();
  config.urls = {url_of(backend.port(), "localhost")};
  User user(open_pool());
  ASSERT_TRUE(get_lease(user)) << "also where localhost is ::1 first, where nobody listens";
}

TEST_F(PoolTest, ANameThatMeansNothingIsNoAddress) {
  config.urls = {url_of(80, std::string(70, 'x'))};  // longer than a label may be
  User user(open_pool());
  user.ask();
  EXPECT_FALSE(user.outcome);
  ASSERT_TRUE(until([&] { return user.outcome.has_value(); }));
  EXPECT_EQ(*user.outcome, NoConnection::kNoAddress);
}

// ---- max_connections for the node ----

class SharedBudgetTest : public PoolTest {
 protected:
  BackendPool& open_other_pool() {
    other_pool =
        std::make_unique<BackendPool>(loop, std::make_shared<conf::Backend>(config), *budget, this);
    return *other_pool;
  }
  ~SharedBudgetTest() override {
    other_pool->close();
    EXPECT_TRUE(until([&] { return other_pool == nullptr; }));
  }
};

TEST_F(SharedBudgetTest, AnIdleConnectionIsGivenUpForAnotherWorker) {
  config.max_connections = 1;
  auto& backend = add_backend();
  User here(open_pool());
  User there(open_other_pool());
  ASSERT_TRUE(get_lease(here));
  here.lease.give_back();
  ASSERT_TRUE(get_lease(there));
  EXPECT_TRUE(until([&] { return backend.open() == 1; }));
  EXPECT_EQ(pool->stats().open, 0u);
}

TEST_F(SharedBudgetTest, ABusyWorkerDoesNotStarveTheOther) {
  config.max_connections = 1;
  auto& backend = add_backend();
  open_pool();
  open_other_pool();
  std::size_t most_open = 0;
  int turns[2] = {0, 0};
  std::vector<std::unique_ptr<User>> users;
  for (int i = 0; i < 8; ++i) {
    users.push_back(std::make_unique<User>(i % 2 == 0 ? *pool : *other_pool));
    users.back()->when_connected = [&turns, i](User&) { ++turns[i % 2]; };
    users.back()->ask();
  }
  ASSERT_TRUE(until([&] {
    most_open = std::max(most_open, backend.open());
    for (auto& user : users) {
      if (!user->has_lease()) continue;
      user->lease.give_back();
      user->ask();
    }
    return turns[0] >= 10 && turns[1] >= 10;
  }));
  EXPECT_EQ(most_open, 1u);
}

TEST_F(SharedBudgetTest, WhereAllAreBusyTheSharesBecomeEqualAndThenStay) {
  config.max_connections = 8;
  auto& backend = add_backend();
  open_pool();
  open_other_pool();
  std::vector<std::unique_ptr<User>> users;
  const auto add_users = [&](BackendPool& p) {
    for (int i = 0; i < 12; ++i) {
      users.push_back(std::make_unique<User>(p));
      users.back()->ask();
    }
  };
  const auto cycle = [&] {
    for (auto& user : users) {
      if (!user->has_lease()) continue;
      user->lease.give_back();
      user->ask();
    }
  };
  add_users(*pool);
  ASSERT_TRUE(until([&] { return pool->stats().open == 8; }));
  add_users(*other_pool);
  ASSERT_TRUE(until([&] {
    cycle();
    return other_pool->stats().open == 4 && pool->stats().open == 4;
  }));
  const std::size_t connections = backend.connections.size();
  for (int i = 0; i < 50; ++i) {
    cycle();
    until([] { return true; });
    testing::run_for(loop, 1);
  }
  EXPECT_LE(backend.connections.size(), connections + 1) << "connections are reused, not passed on";
}

TEST_F(SharedBudgetTest, WhoNoLongerWaitsTakesNoPlace) {
  config.max_connections = 1;
  add_backend();
  User here(open_pool());
  ASSERT_TRUE(get_lease(here));
  {
    User gone(open_other_pool());
    gone.ask();
  }
  here.lease.give_back();
  EXPECT_EQ(pool->stats().idle, 1u);
}

}  // namespace
}  // namespace sockhook::backend
