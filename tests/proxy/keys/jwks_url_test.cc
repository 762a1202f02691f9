#include "proxy/keys/jwks_url.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/proxy/keys/keys_fixture.h"
#include "tests/support/webhook_backend.h"

namespace sockhook::keys {
namespace {

using testing::hang;
using testing::status;

class JwksUrlTest : public ::testing::Test, public JwksUrlOwner {
 protected:
  JwksUrlTest() {
    uv_async_init(loop.uv(), &mailbox, nullptr);
    issuer = std::make_unique<testing::WebhookBackend>(loop);
    issuer->script = [this](const testing::WebhookRequest&) { return reply; };
    open(issuer->port());
  }
  ~JwksUrlTest() override {
    close();
    issuer->close();
    uv_close(reinterpret_cast<uv_handle_t*>(&mailbox), nullptr);
    loop.close();
    EXPECT_TRUE(until([&] { return uv_loop_alive(loop.uv()) == 0; })) << "handles are left";
  }

  void open(uint16_t port, const std::string& host = "127.0.0.1",
            uint64_t ms = KeyFetch::kTimeoutMs) {
    const conf::HttpUrl place{false, {host, port}, "issuer.example", "/jwks?p=tenant"};
    url = std::make_unique<JwksUrl>(loop, KeyUrl{place, nullptr, keys}, &listener, this, ms);
  }
  void close() {
    if (!url) return;
    url->close();
    EXPECT_TRUE(until([&] { return url == nullptr; })) << "it does not close";
  }
  void on_jwks_url_closed(JwksUrl&) override { url.reset(); }

  bool until(const std::function<bool()>& is_done) {
    return testing::run_until(loop, is_done, 10'000);
  }
  // Ends with the next refresh.
  bool refresh() {
    const int before = listener.refreshes;
    url->refresh();
    return until([&] { return listener.refreshes > before; });
  }
  // From the end of the last fetch, which is now.
  uint64_t pause_ms() const { return url->next_fetch_ms().value_or(0) - loop.now_ms(); }

  net::Loop loop;
  uv_async_t mailbox;  // as the control has: deadlines alone do not keep a loop running
  std::unique_ptr<testing::WebhookBackend> issuer;
  testing::Reply reply = status(200, jwks({"a"}));
  IssuerKeysPtr keys = std::make_shared<IssuerKeys>();
  CountingListener listener;
  std::unique_ptr<JwksUrl> url;
};

TEST_F(JwksUrlTest, FetchesTheSet) {
  ASSERT_TRUE(refresh());
  EXPECT_TRUE(has(*keys, "a"));
  EXPECT_EQ(listener.last, keys.get());
  ASSERT_EQ(issuer->requests.size(), 1U);
  EXPECT_EQ(issuer->requests[0].line, "GET /jwks?p=tenant HTTP/1.1");
  EXPECT_EQ(issuer->requests[0].header("host"), "issuer.example");
  EXPECT_EQ(issuer->requests[0].header("connection"), "close");
  EXPECT_EQ(url->facts().source, "http://issuer.example/jwks");
  EXPECT_EQ(url->facts().keys, 1U);
}

TEST_F(JwksUrlTest, OneFetchIsUnderWayAtATime) {
  reply = hang();
  url->refresh();
  ASSERT_TRUE(until([&] { return !issuer->hanging.empty(); }));
  url->refresh();
  EXPECT_TRUE(keys->want_fresh(nullptr)) << "somebody who needs them now waits for this one";
  issuer->release(status(200, jwks({"a"})));
  ASSERT_TRUE(until([&] { return has(*keys, "a"); }));
  EXPECT_EQ(issuer->requests.size(), 1U);
}

TEST_F(JwksUrlTest, IsFetchedAgainWhenItsAgeIsOver) {
  const auto pause_after = [&](const std::string& cache_control) {
    reply = status(200, jwks({"a"}), cache_control);
    EXPECT_TRUE(refresh());
    return pause_ms();
  };
  const auto is_for = [](uint64_t pause_ms, uint64_t wanted_ms) {
    return pause_ms <= wanted_ms && pause_ms >= wanted_ms - wanted_ms / 10;
  };
  EXPECT_TRUE(is_for(pause_after(""), JwksUrl::kDefaultMs));
  EXPECT_TRUE(is_for(pause_after("Cache-Control: public, Max-Age=300\r\n"), 300'000));
  EXPECT_TRUE(is_for(pause_after("Cache-Control: max-age=5\r\n"), JwksUrl::kMinMs));
  EXPECT_TRUE(is_for(pause_after("Cache-Control: max-age=86400\r\n"), JwksUrl::kMaxMs));
  EXPECT_TRUE(is_for(pause_after("Cache-Control: max-age=99999999999999\r\n"), JwksUrl::kMaxMs));
  EXPECT_TRUE(is_for(pause_after("Cache-Control: no-store\r\n"), JwksUrl::kMinMs));
  EXPECT_TRUE(is_for(pause_after("Cache-Control: max-age=-1\r\n"), JwksUrl::kDefaultMs));
}

TEST_F(JwksUrlTest, AnswersThatCannotBeUsedLeaveTheLastGoodSet) {
  ASSERT_TRUE(refresh());
  const std::string good = jwks({"b"});
  const testing::Reply bad[] = {
      status(404, good),
      status(500, good),
      status(206, good),
      status(302, good, "Location: /elsewhere\r\n"),
      status(200, good, "Content-Encoding: gzip\r\n"),
      status(200, "<html>Please sign in</html>"),
      status(200, R"({"keys":[]})"),
      status(200, std::string(auth::KeySet::kMaxJwksBytes + 1, ' ') + good),
      {testing::Reply::Kind::kBytes, "SSH-2.0-server\r\n\r\n"},
      {testing::Reply::Kind::kBytes, "HTTP/1.1 101 X\r\nUpgrade: h2c\r\n\r\n"},
      testing::fin("HTTP/1.1 200 X\r\nContent-Length: 999\r\n\r\n" + good),
      testing::fin(),
      testing::reset(),
  };
  uint64_t failed = 0;
  for (const testing::Reply& answer : bad) {
    reply = answer;
    ASSERT_TRUE(refresh()) << answer.bytes.substr(0, 60);
    EXPECT_EQ(url->facts().failed_reads, ++failed) << answer.bytes.substr(0, 60);
    EXPECT_TRUE(has(*keys, "a"));
  }
  EXPECT_EQ(url->facts().good_reads, 1U);
  reply = status(200, good);
  ASSERT_TRUE(refresh());
  EXPECT_TRUE(has(*keys, "b"));
}

TEST_F(JwksUrlTest, AnAnswerThatDoesNotEndIsGivenUpInTime) {
  constexpr uint64_t kTimeoutMs = 200;
  close();
  open(issuer->port(), "127.0.0.1", kTimeoutMs);
  const testing::Reply half = {testing::Reply::Kind::kBytes,
                               "HTTP/1.1 200 X\r\nContent-Length: 999\r\n\r\n{"};
  for (const testing::Reply& answer : {hang(), half}) {
    reply = answer;
    const uint64_t begin_ms = loop.now_ms();
    ASSERT_TRUE(refresh());
    EXPECT_GE(loop.now_ms() - begin_ms, kTimeoutMs);
  }
  EXPECT_EQ(url->facts().failed_reads, 2U);
  EXPECT_EQ(keys->current(), nullptr);
}

TEST_F(JwksUrlTest, AfterAFailurePausesDouble) {
  reply = status(503);
  uint64_t longest_ms = JwksUrl::kFirstRetryMs;
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(refresh());
    EXPECT_LE(pause_ms(), longest_ms);
    EXPECT_GE(pause_ms(), longest_ms / 2);
    longest_ms = std::min(2 * longest_ms, JwksUrl::kMaxRetryMs);
  }
  EXPECT_EQ(longest_ms, JwksUrl::kMaxRetryMs);
  reply = status(200, jwks({"a"}));
  ASSERT_TRUE(refresh());
  reply = status(503);
  ASSERT_TRUE(refresh());
  EXPECT_LE(pause_ms(), JwksUrl::kFirstRetryMs);
}

TEST_F(JwksUrlTest, ComesBackByItself) {
  reply = status(503);
  ASSERT_TRUE(refresh());
  reply = status(200, jwks({"a"}));
  EXPECT_TRUE(until([&] { return has(*keys, "a"); }));
}

TEST_F(JwksUrlTest, AnIssuerThatDoesNotListenIsAFailure) {
  close();
  issuer->stop_listening();
  open(issuer->port());
  ASSERT_TRUE(until([&] {
    static_cast<void>(refresh());
    return url->facts().failed_reads > 0;
  }));
  EXPECT_EQ(keys->current(), nullptr);
}

TEST_F(JwksUrlTest, ANameThatStandsForNothingIsAFailure) {
  close();
  open(80, "issuer.invalid");
  ASSERT_TRUE(refresh());
  EXPECT_EQ(url->facts().failed_reads, 1U);
}

TEST_F(JwksUrlTest, ClosesInTheMiddleOfAFetch) {
  reply = hang();
  url->refresh();
  ASSERT_TRUE(until([&] { return !issuer->hanging.empty(); }));
  close();
  EXPECT_EQ(listener.refreshes, 0);
}

}  // namespace
}  // namespace sockhook::keys
