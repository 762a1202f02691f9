// A real Worker on a thread of its own, as one of a cluster: the test's loop plays the control, the
// backend and the clients.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/http/http_message.h"
#include "proxy/net/socket_stream.h"
#include "proxy/node.h"
#include "proxy/worker.h"
#include "tests/support/chat_config.h"
#include "tests/support/client_frame.h"
#include "tests/support/loop_runner.h"
#include "tests/support/server_frames.h"
#include "tests/support/webhook_backend.h"

namespace sockhook {

// A client on a real socket.
class SocketClient final : net::StreamListener, net::ConnectListener {
 public:
  SocketClient(net::Loop& loop, const net::SocketAddress& address)
      : stream_(std::make_unique<net::SocketStream>(loop, false,
                                                    static_cast<net::StreamListener*>(this))) {
    SOCKHOOK_CHECK(stream_->connect(address, this) == 0);
    stream_->write(
        "GET /chat HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        {});
  }

  void say(std::string_view text) { stream_->write(testing::client_frame(1, text), {}); }
  void close() { stream_->close(); }
  bool is_closed() const { return stream_ == nullptr; }
  bool has_ended() const { return has_ended_; }
  // "101", once the head of the answer is there.
  std::string status() const {
    return received_.find("\r\n\r\n") == std::string::npos ? "" : received_.substr(9, 3);
  }
  std::vector<std::string> frames() const {
    return testing::server_frames(received_.substr(received_.find("\r\n\r\n") + 4));
  }

 private:
  void on_connected(int error) override {
    SOCKHOOK_CHECK(error == 0);
    stream_->start_reading();
  }
  void on_read(std::string_view data) override { received_ += data; }
  void on_end(int) override { has_ended_ = true; }
  void on_closed() override { stream_.reset(); }

  std::unique_ptr<net::SocketStream> stream_;
  std::string received_;
  bool has_ended_ = false;
};

class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest() {
    backend = std::make_unique<testing::WebhookBackend>(runner.loop());
    config = testing::chat_config(backend->port());
    config.node.id = "gw-1";
    config.backplane.redis.emplace();
    control.emplace(runner.loop(), [this](std::vector<ControlMessage>& messages) {
      for (ControlMessage& message : messages) heard.push_back(std::move(message));
    });
  }

  ~WorkerTest() override {
    for (SocketClient& client : clients_) {
      if (!client.is_closed()) client.close();
    }
    if (worker_) {
      if (!hears<WorkerDrained>()) {
        post(BeginDrain{0});
        post(EndDrain{});
      }
      EXPECT_TRUE(until([&] { return hears<WorkerDrained>(); }));
      post(StopWorker{});
      worker_->join();
    }
    control->close();
    backend->close();
    run_for(20);
  }

  Node& node() {
    if (worker_) return *node_;
    auto socket = net::ListenSocket::open(net::SocketAddress::ip("127.0.0.1", 0));
    SOCKHOOK_CHECK(socket.has_value());
    address_ = socket->address();
    node_.emplace(std::make_shared<const conf::Config>(config), 1, 1000);
    worker_ = std::make_unique<Worker>(*node_, 0, *control);
    const conf::Backend& conf = node_->config->backends[0];
    const auto wake = [this] { post(BudgetChanged{}); };
    SharedBackend shared;
    shared.conf = std::shared_ptr<const conf::Backend>(node_->config, &conf);
    shared.budget = std::make_unique<backend::BackendBudget>(conf.max_connections, wake);
    shared.gate = std::make_unique<webhooks::OutageGate>();
    node_->backends.push_back(std::move(shared));
    worker_->start(std::move(*socket));
    return *node_;
  }
  void post(WorkerMessage message) { EXPECT_TRUE(worker_->post(std::move(message))); }

  SocketClient& connect() {
    node();
    return clients_.emplace_back(runner.loop(), address_);
  }
  // One that is open, the control having done its part.
  SocketClient& open() {
    SocketClient& client = connect();
    EXPECT_TRUE(until([&] {
      answer_records();
      return client.status() == "101";
    }));
    return client;
  }

  bool until(const std::function<bool()>& is_done, int limit_ms = 5000) {
    return runner.run_until(is_done, limit_ms);
  }
  void run_for(int ms) { runner.run_for(ms); }

  template <typename Message>
  bool hears() const {
    for (const ControlMessage& message : heard) {
      if (std::holds_alternative<Message>(message)) return true;
    }
    return false;
  }
  // All record changes so far; `heard` is empty then.
  std::vector<JournalEntries::RecordChange> take_records() {
    std::vector<JournalEntries::RecordChange> all;
    for (ControlMessage& message : std::exchange(heard, {})) {
      if (auto* entries = std::get_if<JournalEntries>(&message)) {
        for (auto& change : entries->records) all.push_back(std::move(change));
      }
    }
    return all;
  }
  std::vector<JournalEntries::RecordChange> answer_records() {
    auto changes = take_records();
    RecordsWritten written;
    for (const auto& change : changes) {
      if (change.ticket != 0) written.tickets.push_back(change.ticket);
    }
    if (!written.tickets.empty()) post(std::move(written));
    return changes;
  }

  std::vector<std::string> requests() const {
    std::vector<std::string> lines;
    for (const auto& request : backend->requests) {
      lines.push_back(request.line.substr(5, request.line.find(' ', 5) - 5));
    }
    return lines;
  }

  // Before the loop, whose last turns close what it has.
  std::unique_ptr<testing::WebhookBackend> backend;
  testing::LoopRunner runner;
  conf::Config config;
  std::optional<Mailbox<ControlMessage>> control;
  std::vector<ControlMessage> heard;

 private:
  std::optional<Node> node_;
  std::unique_ptr<Worker> worker_;
  net::SocketAddress address_ = net::SocketAddress::ip("127.0.0.1", 0);
  std::list<SocketClient> clients_;
};

}  // namespace sockhook
