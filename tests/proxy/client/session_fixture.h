// What the tests of sessions share: a worker's client side on a loop that the test turns, with
// clients in memory and a webhook side that keeps each job until the test answers it.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/client/hub.h"
#include "proxy/client/session.h"
#include "tests/support/chat_config.h"
#include "tests/support/client_frame.h"
#include "tests/support/loop_runner.h"
#include "tests/support/memory_stream.h"
#include "tests/support/server_frames.h"

namespace sockhook::client {

using routing::WebhookResult;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Frames = std::vector<std::string>;
using websocket::Opcode;

// A job as the webhook side got it; what it points to is copied.
struct Job {
  explicit Job(const routing::WebhookJob& taken) : job(taken), payload(taken.payload) {}
  std::string end() const {
    return std::to_string(job.close_code) + " " + std::string(webhook::to_string(job.closed_by)) +
           (job.close_reason.empty() ? "" : " " + job.close_reason);
  }
  routing::WebhookJob job;
  std::string payload;
};

struct FakeWebhooks final : routing::WebhookJobs {
  void start(const routing::WebhookJob& job) override {
    (job.kind == webhook::EventKind::kDisconnect ? disconnects : running).emplace_back(job);
  }
  std::vector<Job> running;  // $connect and messages, in order
  std::vector<Job> disconnects;
};

// A client, from its handshake on.
struct Client final : HandshakeResponder {
  Upgraded upgrade() override {
    auto owned = std::make_unique<sockhook::testing::MemoryStream>(peer);
    stream = owned.get();
    return {std::move(owned), std::move(early), "accept-key"};
  }
  void refuse(int status, const http::Headers& headers, std::string_view body) override {
    refused = status;
    refusal_headers = headers;
    refusal_body = body;
  }

  // The head of the 101 comes off first.
  std::string take_head() {
    const std::size_t end = peer.received.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    std::string head = peer.received.substr(0, end + 4);
    peer.received.erase(0, end + 4);
    return head;
  }
  // What has come since the last call, the 101 aside.
  Frames frames() {
    if (peer.received.starts_with("HTTP/")) take_head();
    return sockhook::testing::server_frames(peer.take());
  }
  bool is_upgraded() const { return stream != nullptr; }
  bool is_closed() const { return peer.closing != sockhook::testing::MemoryStream::Closing::kNo; }
  bool was_reset() const {
    return peer.closing == sockhook::testing::MemoryStream::Closing::kReset;
  }

  void send(Opcode opcode, std::string_view payload) {
    stream->deliver(sockhook::testing::client_frame(opcode, payload));
  }
  void say(std::string_view text) { send(Opcode::kText, text); }
  void send_close(uint16_t code, std::string_view reason = {}) {
    send(Opcode::kClose, websocket::encode_close_body(code, reason));
  }

  webhook::ConnectionId id;
  sockhook::testing::MemoryStream::Peer peer;
  sockhook::testing::MemoryStream* stream = nullptr;
  std::string early;  // behind the handshake
  int refused = 0;
  http::Headers refusal_headers;
  std::string refusal_body;
};

class SessionTest : public ::testing::Test {
 protected:
  // All that sessions need, made from `config` when the first client comes.
  struct World {
    World(net::Loop& loop, const conf::Config& config, routing::ConnectionJournal* journal)
        : routes(config),
          metrics(config),
          admission(1000, std::nullopt),
          ids({webhook::NodeKey{random.bytes<6>()}, random.bytes<16>()}),
          hub(ids, 3, journal),
          sessions{loop, webhooks, admission, metrics, random, hub, {}, {}, journal} {}
    routing::RoutingTable routes;
    observe::WorkerMetrics metrics;
    Admission admission;
    Random random;
    webhook::IdScheme ids;
    Hub hub;
    FakeWebhooks webhooks;
    SessionContext sessions;
  };

  // Not the destructor: a test's own journal must outlive the sessions.
  void TearDown() override {
    if (!world_) return;
    world_->hub.for_every([](Session& session) { session.kill(); });
    settle();
    EXPECT_EQ(world_->hub.size(), 0U);
    EXPECT_EQ(world_->admission.connections(), 0U);
    EXPECT_EQ(metrics().connections.value(), 0);
  }

  conf::Endpoint& endpoint() { return config.endpoints.front(); }
  conf::Limits& limits() { return endpoint().limits; }
  World& world() {
    if (!world_) world_.emplace(runner.loop(), config, journal);
    return *world_;
  }
  Hub& hub() { return world().hub; }
  FakeWebhooks& webhooks() { return world().webhooks; }
  observe::EndpointMetrics& metrics() { return *world().metrics.endpoints.front(); }

  // A client whose $connect has been asked.
  Client& connect(std::string early = {}, std::vector<std::string> offered = {},
                  std::size_t endpoint_index = 0) {
    Client& client = clients_.emplace_back();
    client.early = std::move(early);
    auto facts = std::make_shared<routing::ConnectionFacts>();
    facts->endpoint = world().routes.endpoints()[endpoint_index];
    facts->client = *http::IpAddress::parse("192.0.2.1");
    facts->client_text = facts->client.to_string();
    facts->client_text = "192.0.2.1";
    facts->handshake_at_ms = facts->last_active_at_ms = net::Loop::wall_ms();
    EXPECT_EQ(world().admission.enter(facts->endpoint->conf, facts->client),
              AdmissionResult::kAdmitted);
    Session& session = hub().create(world().sessions, facts, &client, std::move(offered));
    client.id = session.facts().id;
    if (next_token) session.grant(*std::exchange(next_token, std::nullopt));
    session.begin({}, {});
    return client;
  }
  // A client that is connected and has read its 101.
  Client& open(const http::Headers& effects = {}) {
    Client& client = connect();
    answer(client, 200, effects);
    client.take_head();
    return client;
  }

  std::vector<Client*> open_many(std::size_t count, const http::Headers& effects = {}) {
    std::vector<Client*> clients(count);
    for (Client*& client : clients) client = &open(effects);
    return clients;
  }

  Session* find(const Client& client) { return hub().find(client.id); }
  bool is_gone(const Client& client) { return find(client) == nullptr; }

  // Ends the client's webhook that has run longest.
  void finish(const Client& client, WebhookResult result) {
    std::vector<Job>& running = webhooks().running;
    const auto job = std::find_if(running.begin(), running.end(), [&](const Job& candidate) {
      return candidate.job.facts->id == client.id;
    });
    ASSERT_NE(job, running.end()) << "no webhook runs";
    result.id = client.id;
    result.kind = job->job.kind;
    result.number = job->job.number;
    running.erase(job);
    if (Session* session = find(client)) session->on_webhook_result(result);
    settle();
  }
  void answer(const Client& client, int status, const http::Headers& headers = {},
              std::string body = {}) {
    WebhookResult result;
    result.outcome = WebhookResult::Outcome::kAnswered;
    result.may_have_arrived = true;
    result.answer.status = status;
    result.answer.headers = headers;
    result.answer.body = std::move(body);
    finish(client, std::move(result));
  }
  void fail(const Client& client, WebhookResult::Outcome outcome, bool may_have_arrived = true) {
    WebhookResult result;
    result.outcome = outcome;
    result.may_have_arrived = may_have_arrived;
    finish(client, std::move(result));
  }

  // The loop turn in which closed streams end and paused ones go on.
  void settle() {
    for (Client& client : clients_) {
      if (client.stream == nullptr || client.peer.is_destroyed) continue;
      client.stream->pump();
      if (client.is_closed()) client.stream->run_close();
    }
  }
  bool run_until(const std::function<bool()>& is_done) {
    return runner.run_until([&] {
      settle();
      return is_done();
    });
  }
  void run_for(int ms) {
    runner.run_until(
        [&] {
          settle();
          return false;
        },
        ms);
  }

  // The payloads of the messages that the webhook side has, in order.
  Frames running() {
    Frames payloads;
    for (const Job& job : webhooks().running) payloads.push_back(job.payload);
    return payloads;
  }
  // How the connections ended whose $disconnect has been handed over, as "1006 client".
  Frames ends() {
    Frames ends;
    for (const Job& job : webhooks().disconnects) ends.push_back(job.end());
    return ends;
  }

  push::Delivery push_text(const Client& client, std::string_view text) {
    Session* session = find(client);
    if (session == nullptr) return push::Delivery::kGone;
    return session->push(websocket::encode_frame(Opcode::kText, text), text.size());
  }

  conf::Config config = sockhook::testing::chat_config();
  sockhook::testing::LoopRunner runner;
  routing::ConnectionJournal* journal = nullptr;  // before the first client comes
  std::optional<TokenGrant> next_token;           // of the next client

 private:
  std::optional<World> world_;
  std::list<Client> clients_;
};

}  // namespace sockhook::client
