#include "proxy/backend/fair_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "tests/proxy/backend/pool_fixture.h"

namespace sockhook::backend {
namespace {

// Requests that wait behind one that holds the only connection. Named by who asks: "a1".
class FairPoolTest : public PoolTest {
 protected:
  FairPoolTest() { config.max_connections = 1; }
  ~FairPoolTest() override { users.clear(); }

  void hold() {
    add_backend();
    holder.emplace(open_pool());
    ASSERT_TRUE(get_lease(*holder));
  }
  User& ask(const std::string& name, Priority priority = Priority::kLive, bool fresh_only = false) {
    User& user = users.emplace_back(*pool);
    names.push_back(name);
    const char* const client = &kClients[name[0] - 'a'];
    user.client = name[0] == 'x' ? nullptr : client;  // x: each for itself
    user.when_connected = [this, name](User&) { order += name + " "; };
    user.ask(priority, fresh_only);
    return user;
  }
  void ask_all(const std::vector<std::string>& who) {
    for (const std::string& name : who) ask(name);
  }
  // Lets them have the connection one after the other; who had it first to last.
  std::string serve() {
    order.clear();
    holder->lease.give_back();
    for (bool is_more = true; is_more;) {
      is_more = false;
      for (User& user : users) {
        if (!user.has_lease()) continue;
        user.lease.give_back();
        is_more = true;
      }
    }
    return order;
  }

  static constexpr char kClients[26] = {};
  std::optional<User> holder;
  std::deque<User> users;
  std::vector<std::string> names;
  std::string order;
};

TEST_F(FairPoolTest, OneRequestOfEachIsFirstComeFirstServed) {
  hold();
  ask_all({"a1", "b1", "c1", "x1", "x2", "d1"});
  EXPECT_EQ(serve(), "a1 b1 c1 x1 x2 d1 ");
}

TEST_F(FairPoolTest, AGreedyClientTakesTurnsWithTheOthers) {
  hold();
  ask_all({"a1", "a2", "a3", "a4", "a5", "b1", "c1", "c2", "x1"});
  EXPECT_EQ(serve(), "a1 b1 c1 x1 a2 c2 a3 a4 a5 ");
}

TEST_F(FairPoolTest, WhoComesNewWaitsForOneRequestOfEachAtMost) {
  hold();
  ask_all({"a1", "a2", "a3", "a4", "b1", "b2"});
  users[0].when_connected = [this](User&) {
    order += "a1 ";
    ask("c1");
  };
  EXPECT_EQ(serve(), "a1 b1 a2 c1 b2 a3 a4 ");
}

TEST_F(FairPoolTest, AClientKeepsItsTurnWhenItsFirstRequestIsGone) {
  hold();
  ask_all({"a1", "a2", "a3", "b1", "b2"});
  users[0].cancel();
  EXPECT_EQ(serve(), "a2 b1 a3 b2 ");
}

TEST_F(FairPoolTest, AnyRequestMayBeGone) {
  hold();
  ask_all({"a1", "a2", "a3", "b1", "b2", "x1"});
  users[1].cancel();
  users[3].cancel();
  users[4].cancel();
  users[5].cancel();
  EXPECT_EQ(pool->stats().waiting, 2U);
  EXPECT_EQ(serve(), "a1 a3 ");
}

TEST_F(FairPoolTest, TheBacklogComesAfterAllLiveOnesAndIsFairInItself) {
  hold();
  ask("a1", Priority::kBacklog);
  ask("a2", Priority::kBacklog);
  ask("b1", Priority::kBacklog);
  ask("c1");
  ask("c2");
  EXPECT_EQ(serve(), "c1 c2 a1 b1 a2 ");
}

TEST_F(FairPoolTest, WhoWantsAFreshConnectionDoesNotHoldUpItsClientsOthers) {
  hold();
  ask("a1", Priority::kLive, true);
  User& second = ask("a2");
  EXPECT_EQ(pool->stats().waiting, 2U);
  ASSERT_TRUE(until([&] {
    if (holder->has_lease()) holder->lease.give_back();
    for (User& user : users) {
      if (user.has_lease()) user.lease.give_back();
    }
    return users[0].connections == 1 && second.connections == 1;
  }));
}

}  // namespace
}  // namespace sockhook::backend
