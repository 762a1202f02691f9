#include "proxy/keys/key_refresher.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/proxy/keys/keys_fixture.h"
#include "tests/support/webhook_backend.h"

namespace sockhook::keys {
namespace {

class KeyRefresherTest : public ::testing::Test, public KeyRefresherOwner {
 protected:
  KeyRefresherTest() {
    uv_async_init(loop.uv(), &mailbox, nullptr);
    issuer = std::make_unique<testing::WebhookBackend>(loop);
    issuer->script = [](const testing::WebhookRequest& request) {
      return testing::status(200,
                             jwks({request.line.find("/one") == std::string::npos ? "2" : "1"}));
    };
    file.write(jwks({"f"}));
    conf::Config config;
    std::vector<conf::Jwt>& entries = config.endpoints.emplace_back().jwt;
    for (const char* path : {"/one", "/two"}) {
      entries.emplace_back().jwks_url =
          conf::HttpUrl{false, {"127.0.0.1", issuer->port()}, "issuer", path};
    }
    entries.emplace_back().jwks_file = file.path();
    table = *IssuerTable::load(config);
    refresher = std::make_unique<KeyRefresher>(
        loop, table,
        [this](const IssuerKeys& keys) {
          asked.push_back(&keys);
          return true;
        },
        this);
  }
  ~KeyRefresherTest() override {
    if (refresher) {
      refresher->close();
      EXPECT_TRUE(until([&] { return refresher == nullptr; })) << "it does not close";
    }
    issuer->close();
    uv_close(reinterpret_cast<uv_handle_t*>(&mailbox), nullptr);
    loop.close();
    EXPECT_TRUE(until([&] { return uv_loop_alive(loop.uv()) == 0; })) << "handles are left";
  }

  void on_keys_refreshed(const IssuerKeys& keys) override { refreshed.push_back(&keys); }
  void on_refresher_closed() override { refresher.reset(); }

  bool until(const std::function<bool()>& is_done) { return testing::run_until(loop, is_done); }
  const IssuerKeys& keys(std::size_t i) const { return *table.endpoints[0][i]; }

  net::Loop loop;
  uv_async_t mailbox;  // as the control has: deadlines alone do not keep a loop running
  std::unique_ptr<testing::WebhookBackend> issuer;
  KeyFileOfTest file;
  IssuerTable table;
  std::unique_ptr<KeyRefresher> refresher;
  std::vector<const IssuerKeys*> asked;
  std::vector<const IssuerKeys*> refreshed;
};

TEST_F(KeyRefresherTest, FetchesAllUrlsAtStart) {
  refresher->start();
  ASSERT_TRUE(until([&] { return refreshed.size() == 2; }));
  EXPECT_TRUE(has(keys(0), "1"));
  EXPECT_TRUE(has(keys(1), "2"));
  EXPECT_TRUE(has(keys(2), "f"));
  EXPECT_EQ(refresher->facts().size(), 3U);
}

TEST_F(KeyRefresherTest, ReadsAgainWhatIsAskedFor) {
  refresher->refresh(keys(1));
  ASSERT_TRUE(until([&] { return !refreshed.empty(); }));
  EXPECT_EQ(refreshed[0], &keys(1));
  EXPECT_EQ(issuer->requests.size(), 1U);
  refresher->refresh(keys(2));
  ASSERT_EQ(refreshed.size(), 2U);
  EXPECT_EQ(refreshed[1], &keys(2));
}

TEST_F(KeyRefresherTest, CanBeAskedUntilItCloses) {
  EXPECT_TRUE(table.urls[0].keys->want_fresh(nullptr));
  EXPECT_TRUE(table.files[0].keys->want_fresh(table.files[0].keys->current()));
  EXPECT_EQ(asked.size(), 2U);
  refresher->close();
  EXPECT_FALSE(table.urls[1].keys->want_fresh(nullptr));
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(KeyRefresherTest, ReadsNothingOnceItCloses) {
  refresher->close();
  EXPECT_FALSE(refresher->is_closed());
  refresher->refresh(keys(2));
  refresher->refresh(keys(0));
  ASSERT_TRUE(until([&] { return refresher == nullptr; }));
  EXPECT_TRUE(refreshed.empty());
  EXPECT_TRUE(issuer->requests.empty());
}

TEST_F(KeyRefresherTest, WithoutUrlsThereIsNothingToWaitFor) {
  IssuerTable none;
  KeyRefresher idle(loop, none, {}, this);
  idle.start();
  idle.close();
  EXPECT_TRUE(idle.is_closed());
}

}  // namespace
}  // namespace sockhook::keys
