// RedisClientProbe: a RedisClient on a loop that the test turns, and all that it told.

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "backplane/redis/redis_client.h"
#include "tests/support/loop_runner.h"

namespace sockhook::redis {

class RedisClientProbe final : public RedisClientListener, public CommandListener {
 public:
  struct Answer {
    Fate fate;
    Reply reply;
  };

  explicit RedisClientProbe(const conf::Redis& conf, std::vector<std::string> scripts = {})
      : client(runner.loop(), conf, std::move(scripts), "sockhook-test", this) {}
  ~RedisClientProbe() {
    if (!is_started_) return;
    client.stop();
    EXPECT_TRUE(runner.run_until([&] { return is_stopped; }));
  }
  RedisClientProbe(const RedisClientProbe&) = delete;
  RedisClientProbe& operator=(const RedisClientProbe&) = delete;

  void start() {
    is_started_ = true;
    client.start();
  }
  bool start_and_wait() {
    start();
    return wait_up();
  }
  bool wait_up(int limit_ms = 10'000) {
    return runner.run_until([&] { return ups > downs; }, limit_ms);
  }
  bool wait_down(int limit_ms = 10'000) {
    return runner.run_until([&] { return ups == downs; }, limit_ms);
  }

  Ticket send(Shard shard, const std::vector<std::string>& words) {
    const std::vector<std::string_view> arguments(words.begin(), words.end());
    client.command(shard, arguments, ++last_ticket, this);
    return last_ticket;
  }
  Ticket send_script(Shard shard, std::size_t script, const std::vector<std::string>& keys,
                     const std::vector<std::string>& words) {
    const std::vector<std::string_view> names(keys.begin(), keys.end());
    const std::vector<std::string_view> arguments(words.begin(), words.end());
    client.run_script(shard, script, names, arguments, ++last_ticket, this);
    return last_ticket;
  }
  // Null if it did not come.
  const Answer* answer(Ticket ticket, int limit_ms = 3'000) {
    const bool came = runner.run_until([&] { return answers.contains(ticket); }, limit_ms);
    return came ? &answers.at(ticket) : nullptr;
  }
  // "OK", "3", "error", "not sent: ...", "unknown: ...", "nothing".
  std::string outcome(Ticket ticket, int limit_ms = 3'000) {
    const Answer* const got = answer(ticket, limit_ms);
    if (got == nullptr) return "nothing";
    const Reply& reply = got->reply;
    if (got->fate != Fate::kAnswered) {
      return (got->fate == Fate::kNotSent ? "not sent: " : "unknown: ") +
             std::string(reply.error());
    }
    if (reply.string() != nullptr) return *reply.string();
    if (reply.integer() != nullptr) return std::to_string(*reply.integer());
    return reply.is_error() ? std::string(reply.error()) : "other";
  }
  std::string run(Shard shard, const std::vector<std::string>& words) {
    return outcome(send(shard, words));
  }

  void on_message(Shard shard, std::string_view channel, std::string_view payload) override {
    messages.push_back(std::to_string(shard) + ' ' + std::string(channel) + ' ' +
                       std::string(payload));
  }
  void on_resubscribed(Shard shard) override { ++resubscribed[shard]; }
  void on_up() override { ++ups; }
  void on_down() override { ++downs; }
  void on_stopped() override { is_stopped = true; }
  void on_reply(Ticket ticket, Fate fate, const Reply& reply) override {
    EXPECT_FALSE(answers.contains(ticket)) << "answered twice";
    answers.insert_or_assign(ticket, Answer{fate, reply});
    order.push_back(ticket);
  }

  testing::LoopRunner runner;
  std::map<Ticket, Answer> answers;
  std::vector<Ticket> order;
  std::vector<std::string> messages;
  std::map<Shard, int> resubscribed;
  int ups = 0;
  int downs = 0;
  bool is_stopped = false;
  Ticket last_ticket = 0;
  RedisClient client;

 private:
  bool is_started_ = false;
};

}  // namespace sockhook::redis
