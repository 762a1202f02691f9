// What the tests of the BackendPool share: a pool on a loop, and users of its connections.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/backend/backend_pool.h"
#include "proxy/http/client_connection.h"
#include "tests/support/scripted_backend.h"

namespace sockhook::backend {

inline constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

// Asks for a connection, sends a GET on it when told to, and keeps what came of it.
struct User : PoolRequest, http::ExchangeListener {
  explicit User(BackendPool& p) : pool(p) {}

  void ask(Priority priority = Priority::kLive, bool fresh_only = false) {
    outcome.reset();
    lease = pool.acquire(*this, {.priority = priority,
                                 .fresh_only = fresh_only,
                                 .is_guarded = is_guarded,
                                 .client = client});
  }
  void send() { lease.connection().send(this, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}); }
  bool has_lease() const { return static_cast<bool>(lease); }

  void on_connection(Lease given) override {
    lease = std::move(given);
    ++connections;
    if (when_connected) when_connected(*this);
  }
  void on_no_connection(NoConnection why) override { outcome = why; }
  void on_response_head(http::ResponseHead& head) override { status = head.status; }
  void on_response_body(std::string_view) override {}
  void on_response_end(http::Headers&, bool) override { has_answer = true; }
  void on_failure(http::ExchangeFailure) override { has_failed = true; }

  BackendPool& pool;
  const void* client = nullptr;
  bool is_guarded = false;
  Lease lease;
  int connections = 0;
  std::optional<NoConnection> outcome;
  int status = 0;
  bool has_answer = false;
  bool has_failed = false;
  std::function<void(User&)> when_connected;
};

class PoolTest : public ::testing::Test, public PoolListener {
 protected:
  PoolTest() {
    config.connect_timeout = conf::Duration{300};
    uv_async_init(loop.uv(), &mailbox, nullptr);
  }

  ~PoolTest() override {
    if (pool) {
      pool->close();
      EXPECT_TRUE(until([&] { return pool == nullptr; })) << "the pool does not close";
    }
    for (auto& backend : backends) backend->close();
    uv_close(reinterpret_cast<uv_handle_t*>(&mailbox), nullptr);
    loop.close();
    EXPECT_TRUE(until([&] { return uv_loop_alive(loop.uv()) == 0; })) << "handles are left";
  }

  testing::ScriptedBackend& add_backend() {
    backends.push_back(std::make_unique<testing::ScriptedBackend>(loop));
    config.urls.push_back(url_of(backends.back()->port()));
    return *backends.back();
  }
  static conf::BackendUrl url_of(uint16_t port, const std::string& host = "127.0.0.1") {
    conf::BackendUrl url;
    url.host = host;
    url.port = port;
    url.authority = host + ":" + std::to_string(port);
    return url;
  }
  // A port where nobody listens.
  conf::BackendUrl dead_url() {
    const auto socket = net::ListenSocket::open(net::SocketAddress::ip("127.0.0.1", 0));
    return url_of(socket->address().port());
  }

  BackendPool& open_pool(uint64_t idle_ms = BackendPool::kIdleMs) {
    budget = std::make_unique<BackendBudget>(config.max_connections, [this] { ++wakes; });
    if (config.breaker) {
      breaker = std::make_unique<Breaker>(*config.breaker, [](uint64_t) { return 0; });
    }
    pool = std::make_unique<BackendPool>(loop, std::make_shared<conf::Backend>(config), *budget,
                                         this, nullptr, breaker.get(), idle_ms);
    return *pool;
  }
  // As the worker does after a wake-up.
  bool until(const std::function<bool()>& is_done, uint64_t limit_ms = 5'000) {
    return testing::run_until(
        loop,
        [&] {
          for (; wakes > 0; --wakes) {
            if (pool) pool->on_budget();
            if (other_pool) other_pool->on_budget();
          }
          return is_done();
        },
        limit_ms);
  }
  bool get_lease(User& user) {
    user.ask();
    return until([&] { return user.has_lease(); });
  }
  void on_pool_closed(BackendPool& closed) override {
    ++pools_closed;
    (&closed == pool.get() ? pool : other_pool).reset();
  }

  net::Loop loop;
  uv_async_t mailbox;  // as a worker has: deadlines alone do not keep a loop running
  conf::Backend config;
  std::vector<std::unique_ptr<testing::ScriptedBackend>> backends;
  std::unique_ptr<BackendBudget> budget;
  std::unique_ptr<Breaker> breaker;
  std::unique_ptr<BackendPool> pool;
  std::unique_ptr<BackendPool> other_pool;
  int wakes = 0;
  int pools_closed = 0;
};

}  // namespace sockhook::backend
