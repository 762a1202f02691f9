#include "proxy/backend/health_checks.h"

#include <gtest/gtest.h>

#include "tests/proxy/backend/pool_fixture.h"

namespace sockhook::backend {
namespace {

constexpr const char* kFine = "HTTP/1.1 204 No Content\r\n\r\n";
constexpr const char* kIll = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

class HealthChecksTest : public PoolTest {
 protected:
  HealthChecksTest() { config.health = conf::HealthCheck{"/health", conf::Duration{40}}; }

  // Counts the checks that a backend gets, and answers them.
  testing::ScriptedBackend& add_checked(std::size_t i) {
    testing::ScriptedBackend& backend = add_backend();
    backend.on_received = [this, i](testing::ScriptedConnection& connection) {
      if (connection.received.find("\r\n\r\n") == std::string::npos) return;
      ++checks[i];
      last_check = connection.received;
      if (answers[i] != nullptr) connection.send(answers[i]);
    };
    return backend;
  }
  bool after_checks(std::size_t i, int more) {
    const int target = checks[i] + more;
    return until([&] { return checks[i] >= target; });
  }
  // Where the next requests go.
  std::vector<std::size_t> choices(int count) {
    std::vector<std::size_t> urls;
    for (int k = 0; k < count; ++k) {
      User user(*pool);
      EXPECT_TRUE(get_lease(user));
      urls.push_back(user.lease.url_index());
    }
    return urls;
  }

  int checks[2] = {0, 0};
  const char* answers[2] = {kFine, kFine};
  std::string last_check;
};

TEST_F(HealthChecksTest, AskEachAddressForThePathBehindItsPrefix) {
  config.headers = {{"X-Key", "abc"}};
  add_checked(0);
  config.urls[0].path_prefix = "/app";
  open_pool();
  ASSERT_TRUE(after_checks(0, 2)) << "again and again, without any request";
  EXPECT_EQ(last_check.rfind("GET /app/health HTTP/1.1\r\nHost: " + config.urls[0].authority, 0),
            0u)
      << last_check;
  EXPECT_NE(last_check.find("\r\nX-Key: abc\r\n"), std::string::npos);
}

TEST_F(HealthChecksTest, AnAddressIsOutAfterThreeFailedChecksAndBackAfterAGoodOne) {
  add_checked(0);
  add_checked(1);
  answers[0] = kIll;
  open_pool();
  ASSERT_TRUE(after_checks(0, 4));
  EXPECT_EQ(choices(4), (std::vector<std::size_t>{1, 1, 1, 1}));
  answers[0] = kFine;
  ASSERT_TRUE(after_checks(0, 2));
  const std::vector<std::size_t> after = choices(4);
  EXPECT_NE(std::find(after.begin(), after.end(), 0u), after.end());
}

TEST_F(HealthChecksTest, NoAnswerIsAFailure) {
  add_checked(0);
  add_checked(1);
  answers[0] = nullptr;
  open_pool();
  ASSERT_TRUE(after_checks(0, 5));
  EXPECT_EQ(choices(4), (std::vector<std::size_t>{1, 1, 1, 1}));
}

TEST_F(HealthChecksTest, WhenAllAreOutAllAreTried) {
  add_checked(0);
  answers[0] = kIll;
  open_pool();
  ASSERT_TRUE(after_checks(0, 4));
  EXPECT_EQ(choices(1), (std::vector<std::size_t>{0}));
}

TEST_F(HealthChecksTest, DoNotNeedAFreeConnectionOfTheRequests) {
  config.max_connections = 1;
  add_checked(0);
  User holder(open_pool());
  ASSERT_TRUE(get_lease(holder));
  EXPECT_TRUE(after_checks(0, 2));
}

TEST_F(HealthChecksTest, ARunningCheckDoesNotOutliveThePool) {
  add_checked(0);
  answers[0] = nullptr;
  open_pool();
  ASSERT_TRUE(after_checks(0, 1));
  pool->close();
  EXPECT_TRUE(until([&] { return pools_closed == 1; }));
}

}  // namespace
}  // namespace sockhook::backend
