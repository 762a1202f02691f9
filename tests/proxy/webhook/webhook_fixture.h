// What the tests of webhooks share: the webhook side of a worker (or of two) and a real backend,
// all on one loop.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/webhook/webhook_client.h"
#include "tests/support/chat_config.h"
#include "tests/support/loop_runner.h"
#include "tests/support/webhook_backend.h"

namespace sockhook::webhooks {

using routing::WebhookResult;
using Outcome = WebhookResult::Outcome;
using ::testing::ElementsAre;
using testing::fin;
using testing::hang;
using ::testing::IsEmpty;
using testing::Reply;
using testing::reset;
using testing::status;

class WebhookTest : public ::testing::Test {
 protected:
  // One worker's webhooks.
  struct Side final : routing::WebhookResults, backend::PoolListener {
    explicit Side(WebhookTest& owner)
        : metrics(owner.config),
          pool(std::make_unique<backend::BackendPool>(
              owner.runner.loop(), std::make_shared<conf::Backend>(owner.config.backends[0]),
              *owner.budget, static_cast<backend::PoolListener*>(this))),
          client(std::make_unique<WebhookClient>(
              owner.runner.loop(), "gw-1", owner.routes->signer(), owner.random, metrics,
              std::vector<WebhookClient::BackendLink>{{pool.get(), &owner.gate}}, this,
              owner.cluster)) {}
    void on_webhook_result(WebhookResult& result) override { results.push_back(std::move(result)); }
    void on_pool_closed(backend::BackendPool&) override { pool.reset(); }

    observe::WorkerMetrics metrics;
    std::unique_ptr<backend::BackendPool> pool;
    std::unique_ptr<WebhookClient> client;
    std::vector<WebhookResult> results;
  };

  WebhookTest() {
    backend = std::make_unique<testing::WebhookBackend>(runner.loop());
    config = testing::chat_config(backend->port());
    config.backends[0].connect_timeout = conf::Duration{300};
  }

  ~WebhookTest() override {
    for (const auto& side : sides_) {
      side->client.reset();
      EXPECT_EQ(side->metrics.webhooks_in_flight.value(), 0);
      EXPECT_EQ(side->metrics.webhooks_queued.value(), 0);
      side->pool->close();
      EXPECT_TRUE(until([&] { return side->pool == nullptr; }));
    }
    backend->close();
  }

  conf::Endpoint& endpoint() { return config.endpoints[0]; }
  conf::Route& message_route() { return *endpoint().routes.fallback; }

  Side& add_side() {
    if (!routes) {
      routes.emplace(config);
      budget.emplace(config.backends[0].max_connections, [this] { ++wakes_; });
    }
    return *sides_.emplace_back(std::make_unique<Side>(*this));
  }
  Side& side() { return sides_.empty() ? add_side() : *sides_.front(); }

  routing::WebhookJob job(webhook::EventKind kind) {
    add_side_if_none();
    auto facts = std::make_shared<routing::ConnectionFacts>();
    facts->endpoint = routes->endpoints()[0];
    facts->id = ids.make({0, connections_++}, random.bytes<12>());
    facts->client = *http::IpAddress::parse("192.0.2.1");
    facts->client_text = facts->client.to_string();
    facts->host = "example.com";
    facts->trace = webhook::trace_of_handshake({}, random.bytes<16>());
    routing::WebhookJob made;
    made.facts = facts;
    made.kind = kind;
    made.time_ms = net::Loop::wall_ms();
    return made;
  }
  void connect() {
    routing::WebhookJob made = job(webhook::EventKind::kConnect);
    made.route = made.facts->endpoint->connect;
    made.handshake = &no_headers_;
    side().client->start(made);
  }
  void message(std::string_view text) {
    routing::WebhookJob made = job(webhook::EventKind::kMessage);
    made.route = made.facts->endpoint->select(text, true, parser_).route;
    made.number = 1;
    made.payload = text;
    side().client->start(made);
  }
  void disconnect(Side& from) {
    routing::WebhookJob made = job(webhook::EventKind::kDisconnect);
    made.route = made.facts->endpoint->disconnect;
    made.close_code = 1000;
    from.client->start(made);
  }
  void disconnect() { disconnect(side()); }

  bool until(const std::function<bool()>& is_done, int limit_ms = 5000) {
    return runner.run_until(
        [&] {
          for (; wakes_ > 0; --wakes_) {
            for (const auto& side : sides_) {
              if (side->pool) side->pool->on_budget();
            }
          }
          return is_done();
        },
        limit_ms);
  }
  void run_for(int ms) {
    until([] { return false; }, ms);
  }
  // The next result; the test ends here without one.
  WebhookResult result() {
    EXPECT_TRUE(until([&] { return !side().results.empty(); })) << "no result";
    if (side().results.empty()) return {};
    WebhookResult first = std::move(side().results.front());
    side().results.erase(side().results.begin());
    return first;
  }
  // Replies one after the other; the last one for all that follow.
  void reply_in_turn(std::vector<Reply> replies) {
    backend->script = [replies, next = std::size_t{0}](const testing::WebhookRequest&) mutable {
      return replies[std::min(next++, replies.size() - 1)];
    };
  }
  const std::vector<testing::WebhookRequest>& requests() const { return backend->requests; }
  std::vector<std::string> ids_of_requests() const {
    std::vector<std::string> all;
    for (const auto& request : requests()) all.push_back(request.header("ce-id"));
    return all;
  }

  // Before the loop, whose last turns close what it has.
  std::unique_ptr<testing::WebhookBackend> backend;
  testing::LoopRunner runner;
  conf::Config config;
  Random random;
  const webhook::IdScheme ids{webhook::NodeKey{}, {}};
  OutageGate gate;
  WebhookClient::ClusterLink cluster;  // of sides that are added from now on
  std::optional<routing::RoutingTable> routes;
  std::optional<backend::BackendBudget> budget;

 private:
  void add_side_if_none() { side(); }

  std::vector<std::unique_ptr<Side>> sides_;
  const http::Headers no_headers_;
  webhook::MessageParser parser_;
  uint32_t connections_ = 0;
  int wakes_ = 0;
};

}  // namespace sockhook::webhooks
