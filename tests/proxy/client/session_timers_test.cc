// What happens to a connection over time (contract 2, `limits`; 3.3).

#include "tests/proxy/client/session_fixture.h"

namespace sockhook::client {
namespace {

using std::chrono::milliseconds;

class SessionTimers : public SessionTest {
 protected:
  SessionTimers() { limits().ping_interval = limits().ping_timeout = std::nullopt; }

  static uint64_t now_ms() { return uv_hrtime() / 1'000'000; }
  // Everything that has come, pings counted.
  std::size_t count_pings(Client& client) {
    const Frames frames = client.frames();
    return static_cast<std::size_t>(std::count(frames.begin(), frames.end(), "ping"));
  }
};

TEST_F(SessionTimers, AnIdleClientIsPinged) {
  limits().ping_interval = milliseconds(50);
  Client& client = open();
  run_for(230);
  const std::size_t pings = count_pings(client);
  EXPECT_GE(pings, 2U);
  EXPECT_LE(pings, 4U);
}

TEST_F(SessionTimers, AClientThatSendsNothingAtAllIsDead) {
  limits().ping_interval = milliseconds(30);
  limits().ping_timeout = milliseconds(100);
  Client& client = open();
  EXPECT_TRUE(run_until([&] { return is_gone(client); }));
  EXPECT_TRUE(client.was_reset());
  EXPECT_THAT(ends(), ElementsAre("1006 proxy"));
}

TEST_F(SessionTimers, AnyByteIsLife) {
  limits().ping_timeout = milliseconds(150);
  Client& client = open();
  const std::string pong = sockhook::testing::client_frame(Opcode::kPong, "x");
  for (const char byte : pong + pong) {
    run_for(50);
    client.stream->deliver({&byte, 1});
  }
  EXPECT_TRUE(find(client)->is_open());
}

TEST_F(SessionTimers, TimeInWhichTheSocketIsNotReadIsNoSilence) {
  limits().ping_timeout = milliseconds(100);
  Client& client = open();
  client.say("1");
  client.say("2");
  ASSERT_FALSE(client.stream->is_reading());
  run_for(250);
  EXPECT_TRUE(find(client)->is_open());
  answer(client, 204);
  answer(client, 204);
  ASSERT_TRUE(client.stream->is_reading());
  const uint64_t began_ms = now_ms();
  EXPECT_TRUE(run_until([&] { return is_gone(client); })) << "the clock goes on";
  EXPECT_GE(now_ms() - began_ms, 80U);
}

TEST_F(SessionTimers, AConnectionWithoutMessagesIsClosedAsIdle) {
  limits().idle_timeout = milliseconds(100);
  Client& client = open();
  const uint64_t began_ms = now_ms();
  EXPECT_TRUE(run_until([&] { return !find(client)->is_open(); }));
  EXPECT_LT(now_ms() - began_ms, 1000U);
  EXPECT_THAT(client.frames(), ElementsAre("close 1001 idle timeout"));
}

TEST_F(SessionTimers, PingsAndPongsAreNoMessages) {
  limits().idle_timeout = milliseconds(100);
  limits().ping_interval = milliseconds(20);
  Client& client = open();
  EXPECT_TRUE(run_until([&] {
    client.send(Opcode::kPing, {});
    return !find(client)->is_open();
  }));
}

TEST_F(SessionTimers, MessagesEitherWayKeepAConnectionFromBeingIdle) {
  limits().idle_timeout = milliseconds(200);
  Client& client = open();
  for (int i = 0; i < 4; ++i) {
    run_for(100);
    if (i % 2 == 0) {
      push_text(client, "x");
    } else {
      client.say("x");
      answer(client, 204);
    }
  }
  EXPECT_TRUE(find(client)->is_open());
}

TEST_F(SessionTimers, AWebhookThatRunsIsNoIdleness) {
  limits().idle_timeout = milliseconds(80);
  Client& client = open();
  client.say("slow");
  run_for(250);
  EXPECT_TRUE(find(client)->is_open());
  answer(client, 204);
  const uint64_t began_ms = now_ms();
  EXPECT_TRUE(run_until([&] { return !find(client)->is_open(); }));
  EXPECT_GE(now_ms() - began_ms, 60U) << "the whole time-out begins at its end";
}

TEST_F(SessionTimers, AConnectionEndsAtItsGreatestAge) {
  limits().max_duration = milliseconds(300);
  Client& client = open();
  const uint64_t began_ms = now_ms();
  EXPECT_TRUE(run_until([&] { return !find(client)->is_open(); }));
  EXPECT_GE(now_ms() - began_ms, 265U) << "up to 10 % earlier, no more";
  EXPECT_THAT(client.frames(), ElementsAre("close 1001 maximum duration"));
}

TEST_F(SessionTimers, TheEndsOfConnectionsThatBeganTogetherAreSpread) {
  limits().max_duration = milliseconds(1000);
  std::vector<uint64_t> ends_at;
  const std::vector<Client*> clients = open_many(30);
  EXPECT_TRUE(run_until([&] {
    while (ends_at.size() < webhooks().disconnects.size()) ends_at.push_back(now_ms());
    for (Client* client : clients) {
      if (!is_gone(*client) && !find(*client)->is_open()) client->stream->deliver_end();
    }
    return ends_at.size() == clients.size();
  }));
  EXPECT_GE(ends_at.back() - ends_at.front(), 30U);
}

TEST_F(SessionTimers, ACloseHandshakeHasFiveSeconds) {
  Client& client = open();
  client.stream->block();
  find(client)->close(1000, {});
  const uint64_t began_ms = now_ms();
  EXPECT_TRUE(runner.run_until(
      [&] {
        settle();
        return is_gone(client);
      },
      7000));
  EXPECT_GE(now_ms() - began_ms, 4900U);
  EXPECT_TRUE(client.was_reset());
  EXPECT_THAT(ends(), ElementsAre("1000 backend"));
}

TEST_F(SessionTimers, APingNeverMakesAClientSlow) {
  limits().ping_interval = milliseconds(20);
  limits().send_queue = 4;
  Client& client = open();
  client.stream->block();
  push_text(client, "1234");
  run_for(100);
  EXPECT_TRUE(find(client)->is_open());
  EXPECT_EQ(world().metrics.slow_clients.value(), 0U);
}

TEST_F(SessionTimers, WhatCostsOnlyTheLoopIsRationed) {
  Client& client = open();
  std::string words;
  for (int i = 0; i < 100; ++i) words += sockhook::testing::client_frame(Opcode::kPing, "x");
  client.stream->deliver(words + sockhook::testing::client_frame(Opcode::kText, "behind"));
  Frames pongs = client.frames();
  EXPECT_FALSE(pongs.empty());
  EXPECT_LT(pongs.size(), 100U);
  EXPECT_THAT(webhooks().running, IsEmpty());
  client.stream->deliver(sockhook::testing::client_frame(Opcode::kPing, "x"));
  EXPECT_FALSE(client.stream->is_reading()) << "TCP holds it back";
  EXPECT_TRUE(run_until([&] { return webhooks().running.size() == 1; }));
  EXPECT_EQ(webhooks().running.front().payload, "behind");
  answer(client, 204);
  EXPECT_TRUE(run_until([&] {
    for (std::string& frame : client.frames()) pongs.push_back(std::move(frame));
    return pongs.size() == 101 && client.stream->is_reading();
  }));
}

TEST_F(SessionTimers, ALongWordCountsAsSeveral) {
  limits().messages_per_second = conf::Rate{0.01, 1, conf::Rate::Over::kReject};
  Client& client = open();
  client.say("the only one");
  answer(client, 204);
  const std::string word =
      sockhook::testing::client_frame(Opcode::kText, std::string(1 << 20, 'x'));
  client.stream->deliver(word + word + word);
  std::size_t errors = client.frames().size();
  EXPECT_EQ(errors, 1U);
  const uint64_t began_ms = now_ms();
  EXPECT_TRUE(run_until([&] { return (errors += client.frames().size()) == 3; }));
  EXPECT_GE(now_ms() - began_ms, 30U);
}

// Whatever held it back: a client that has vanished meanwhile is not kept.
TEST_F(SessionTimers, ARationedClientMayVanish) {
  Client& client = open();
  std::string words;
  for (int i = 0; i < 100; ++i) words += sockhook::testing::client_frame(Opcode::kPing, "x");
  client.stream->deliver(words);
  client.stream->deliver(words + sockhook::testing::client_frame(Opcode::kText, "last"));
  ASSERT_FALSE(client.stream->is_reading());
  client.stream->fail_write(UV_EPIPE);
  client.stream->deliver_end();
  EXPECT_TRUE(run_until([&] { return webhooks().running.size() == 1; }));
  answer(client, 204);
  EXPECT_TRUE(run_until([&] { return is_gone(client); }));
  EXPECT_THAT(ends(), ElementsAre("1006 client"));
}

TEST_F(SessionTimers, ADelayedClientMayVanish) {
  limits().messages_per_second = conf::Rate{0.01, 1, conf::Rate::Over::kDelay};
  Client& client = open();
  client.say("1");
  client.say("2");
  client.say("3");
  answer(client, 204);
  ASSERT_FALSE(client.stream->is_reading());
  client.stream->fail_write(UV_EPIPE);
  client.stream->deliver_end();
  EXPECT_TRUE(run_until([&] { return webhooks().running.size() == 1; }));
  answer(client, 204);
  answer(client, 204);
  EXPECT_TRUE(run_until([&] { return is_gone(client); }));
}

TEST_F(SessionTimers, ErrorFramesAreRationedToo) {
  limits().messages_per_second = conf::Rate{0.01, 1, conf::Rate::Over::kReject};
  Client& client = open();
  client.say("the only one");
  answer(client, 204);
  std::string words;
  for (int i = 0; i < 100; ++i) words += sockhook::testing::client_frame(Opcode::kText, "x");
  client.stream->deliver(words);
  std::size_t errors = client.frames().size();
  EXPECT_GT(errors, 10U);
  EXPECT_LT(errors, 99U);
  EXPECT_TRUE(run_until([&] { return (errors += client.frames().size()) >= 100; }));
}

}  // namespace
}  // namespace sockhook::client
