// What a link makes of servers that no real one would be: a scripted one on the test's own loop.

#include "backplane/redis/redis_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backplane/redis/redis_client.h"
#include "tests/support/loop_runner.h"
#include "tests/support/scripted_backend.h"

namespace sockhook::redis {
namespace {

using testing::ScriptedBackend;
using testing::ScriptedConnection;

constexpr const char* kRoleMaster = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";

// Answers the greeting as a master would, and leaves the rest to the test.
class FakeRedis {
 public:
  explicit FakeRedis(net::Loop& loop) : backend(loop) {
    backend.on_received = [this](ScriptedConnection& connection) {
      const std::size_t end = connection.received.find("PING\r\n");
      if (!connection.received.starts_with("*3\r\n$6\r\nCLIENT") || end == std::string::npos) {
        if (when_asked) when_asked(connection);
        return;
      }
      connection.received.erase(0, end + 6);
      connection.send("+OK\r\n" + role + last);
    };
  }

  std::string role = kRoleMaster;
  std::string last = "+PONG\r\n";
  std::function<void(ScriptedConnection&)> when_asked;
  ScriptedBackend backend;
};

class RedisLinkFaults : public ::testing::Test {
 protected:
  RedisLinkFaults() : server(runner.loop()) {}
  ~RedisLinkFaults() override {
    if (client) {
      client->client.stop();
      EXPECT_TRUE(runner.run_until([&] { return client->is_stopped; }));
    }
    server.backend.close();
    EXPECT_TRUE(runner.run_until([&] {
      return std::all_of(server.backend.connections.begin(), server.backend.connections.end(),
                         [](const auto& connection) { return connection->is_closed(); });
    }));
    runner.run_for(5);
  }

  // Not a RedisClientProbe: server and client share the loop.
  struct Client final : RedisClientListener, CommandListener {
    Client(net::Loop& loop, const conf::Redis& conf)
        : client(loop, conf, {}, "sockhook-test", this) {}
    void on_message(Shard, std::string_view, std::string_view payload) override {
      messages.emplace_back(payload);
    }
    void on_resubscribed(Shard) override { ++resubscribed; }
    void on_up() override { ++ups; }
    void on_down() override { ++downs; }
    void on_stopped() override { is_stopped = true; }
    void on_reply(Ticket ticket, Fate fate, const Reply& reply) override {
      EXPECT_TRUE(fates.emplace(ticket, fate).second) << "answered twice";
      texts[ticket] = reply.string() != nullptr ? *reply.string() : std::string(reply.error());
    }
    std::map<Ticket, Fate> fates;
    std::map<Ticket, std::string> texts;
    std::vector<std::string> messages;
    int resubscribed = 0;
    int ups = 0;
    int downs = 0;
    bool is_stopped = false;
    RedisClient client;
  };

  void start(const std::string& host = "127.0.0.1") {
    conf::Redis conf;
    conf.server = {host, server.backend.port()};
    client = std::make_unique<Client>(runner.loop(), conf);
    client->client.start();
  }
  void start_and_wait() {
    start();
    ASSERT_TRUE(runner.run_until([&] { return client->ups == 1; }));
  }
  void ask(Ticket ticket, std::string_view text = "x") {
    const std::array<std::string_view, 2> echo = {"ECHO", text};
    client->client.command(0, echo, ticket, client.get());
  }
  bool wait_answered(Ticket ticket, int limit_ms = 2'000) {
    return runner.run_until([&] { return client->fates.contains(ticket); }, limit_ms);
  }

  testing::LoopRunner runner;
  FakeRedis server;
  std::unique_ptr<Client> client;
};

TEST_F(RedisLinkFaults, CommandsOfOneTurnAreOneWrite) {
  start_and_wait();
  std::vector<std::string> reads;
  server.when_asked = [&](ScriptedConnection& connection) {
    reads.push_back(connection.received);
    connection.send("+a\r\n+b\r\n+c\r\n");
  };
  for (Ticket ticket = 1; ticket <= 3; ++ticket) ask(ticket);
  ASSERT_TRUE(wait_answered(3));
  EXPECT_EQ(reads.size(), 1U);
  EXPECT_EQ(client->texts, (std::map<Ticket, std::string>{{1, "a"}, {2, "b"}, {3, "c"}}));
}

TEST_F(RedisLinkFaults, AReplyMayComeInPieces) {
  start_and_wait();
  ScriptedConnection* asked = nullptr;
  server.when_asked = [&](ScriptedConnection& connection) { asked = &connection; };
  ask(1);
  ASSERT_TRUE(runner.run_until([&] { return asked != nullptr; }));
  for (const char* piece : {"$1", "0\r", "\nhello", " you", "x\r", "\n"}) {
    EXPECT_TRUE(client->fates.empty());
    asked->send(piece);
    runner.run_for(5);
  }
  ASSERT_TRUE(wait_answered(1));
  EXPECT_EQ(client->texts[1], "hello youx");
}

TEST_F(RedisLinkFaults, SilenceIsUnknownInTimeAndForAllThatStandBehind) {
  start_and_wait();
  ask(1);
  runner.run_for(300);
  ask(2);
  const std::uint64_t start_ms = runner.loop().now_ms();
  ASSERT_TRUE(wait_answered(2));
  EXPECT_LE(runner.loop().now_ms() - start_ms, RedisLink::kCommandMs);
  EXPECT_EQ(client->fates, (std::map<Ticket, Fate>{{1, Fate::kUnknown}, {2, Fate::kUnknown}}));
  EXPECT_TRUE(runner.run_until([&] { return client->ups == 2; })) << "not rebuilt";
  EXPECT_EQ(client->downs, 1);
}

TEST_F(RedisLinkFaults, HalfAReplyIsUnknown) {
  start_and_wait();
  server.when_asked = [](ScriptedConnection& connection) { connection.send("$10\r\nhal"); };
  ask(1);
  ASSERT_TRUE(wait_answered(1));
  EXPECT_EQ(client->fates[1], Fate::kUnknown);
}

TEST_F(RedisLinkFaults, AnEndInTheMiddleOfAReplyIsUnknownAtOnce) {
  start_and_wait();
  server.when_asked = [](ScriptedConnection& connection) {
    connection.send("+one\r\n$10\r\nhal");
    connection.close();
  };
  ask(1);
  ask(2);
  ASSERT_TRUE(wait_answered(2, 500));
  EXPECT_EQ(client->texts[1], "one");
  EXPECT_EQ(client->fates[2], Fate::kUnknown);
}

TEST_F(RedisLinkFaults, GarbageBreaksTheLink) {
  start_and_wait();
  server.when_asked = [](ScriptedConnection& connection) { connection.send("nonsense\r\n"); };
  ask(1);
  ASSERT_TRUE(wait_answered(1, 500));
  EXPECT_EQ(client->fates[1], Fate::kUnknown);
  EXPECT_TRUE(runner.run_until([&] { return client->downs == 1; }));
}

TEST_F(RedisLinkFaults, AnAnswerThatNobodyAskedForBreaksTheLink) {
  start_and_wait();
  for (const auto& connection : server.backend.connections) connection->send("+surprise\r\n");
  EXPECT_TRUE(runner.run_until([&] { return client->downs == 1; }));
}

TEST_F(RedisLinkFaults, LoadingIsNotSentAndTheLinkWaitsUntilItIsOver) {
  start_and_wait();
  server.when_asked = [](ScriptedConnection& connection) {
    connection.send("-LOADING Redis is loading the dataset in memory\r\n");
  };
  server.last = "-LOADING Redis is loading the dataset in memory\r\n";
  ask(1);
  ASSERT_TRUE(wait_answered(1));
  EXPECT_EQ(client->fates[1], Fate::kNotSent);
  ASSERT_TRUE(runner.run_until([&] { return client->downs == 1; }));
  runner.run_for(500);
  EXPECT_EQ(client->ups, 1);
  server.last = "+PONG\r\n";
  EXPECT_TRUE(runner.run_until([&] { return client->ups == 2; }));
}

TEST_F(RedisLinkFaults, AReplicaIsNotReady) {
  server.role = "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:0\r\n";
  start();
  runner.run_for(300);
  EXPECT_EQ(client->ups, 0);
  ask(1);
  ASSERT_TRUE(wait_answered(1, 300));
  EXPECT_EQ(client->fates[1], Fate::kNotSent);
  server.role = kRoleMaster;
  EXPECT_TRUE(runner.run_until([&] { return client->ups == 1; }));
}

TEST_F(RedisLinkFaults, AttemptsBackOff) {
  server.backend.on_accepted = [](ScriptedConnection& connection) { connection.close(); };
  start();
  runner.run_for(3'000);
  // Two links; 100, 200, 400, 800, 1000 ms, each with a random half: 5 to 8 attempts.
  EXPECT_GE(server.backend.connections.size(), 8U);
  EXPECT_LE(server.backend.connections.size(), 16U);
}

TEST_F(RedisLinkFaults, AServerThatDropsEachNewLinkIsNotCourtedWithoutPause) {
  server.when_asked = [](ScriptedConnection& connection) { connection.close(); };
  start_and_wait();
  const std::size_t before = server.backend.connections.size();
  // Whenever it is up a command comes, upon which the server closes.
  for (Ticket ticket = 1; ticket <= 30; ++ticket) {
    ask(ticket);
    runner.run_for(100);
  }
  EXPECT_LE(server.backend.connections.size() - before, 9U);
}

TEST_F(RedisLinkFaults, AnIdleLinkIsPinged) {
  start_and_wait();
  std::vector<std::string> asked;
  server.when_asked = [&](ScriptedConnection& connection) {
    asked.push_back(connection.received);
    connection.received.clear();
    connection.send(asked.size() == 1 ? "+PONG\r\n" : "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  };
  ASSERT_TRUE(runner.run_until([&] { return asked.size() == 2; }, 1'500));
  EXPECT_EQ(asked[0], "*1\r\n$4\r\nPING\r\n");
  runner.run_for(50);
  EXPECT_EQ(client->downs, 0);
}

TEST_F(RedisLinkFaults, ManyCommandsUnderWayAreRefusedBeyondTheLimit) {
  start_and_wait();
  for (Ticket ticket = 1; ticket <= RedisLink::kMaxUnanswered + 2; ++ticket) ask(ticket);
  ASSERT_TRUE(wait_answered(RedisLink::kMaxUnanswered + 2, 500));
  EXPECT_EQ(client->fates.size(), 2U);
  EXPECT_EQ(client->fates.begin()->first, RedisLink::kMaxUnanswered + 1);
  EXPECT_EQ(client->fates.begin()->second, Fate::kNotSent);
}

TEST_F(RedisLinkFaults, ManyBytesUnderWayAreRefusedBeyondTheLimit) {
  start_and_wait();
  const std::string half(RedisLink::kMaxUnansweredBytes / 2 - 100, 'x');
  ask(1, half);
  ask(2, half);
  ask(3, half);
  ASSERT_TRUE(wait_answered(3, 500));
  EXPECT_EQ(client->fates, (std::map<Ticket, Fate>{{3, Fate::kNotSent}}));
}

TEST_F(RedisLinkFaults, ALoopThatWasHeldUpLooksAtItsSocketFirst) {
  start_and_wait();
  server.when_asked = [](ScriptedConnection& connection) { connection.send("+late\r\n"); };
  ask(1);
  // The command goes out and the answer comes in; only then does the loop turn again.
  ASSERT_TRUE(runner.run_until([&] {
    return !server.backend.connection(0).received.empty() ||
           !server.backend.connection(1).received.empty();
  }));
  uv_sleep(static_cast<unsigned>(RedisLink::kCommandMs + 2 * RedisLink::kLateMs));
  ASSERT_TRUE(wait_answered(1));
  EXPECT_EQ(client->fates[1], Fate::kAnswered);
  EXPECT_EQ(client->downs, 0);
}

TEST_F(RedisLinkFaults, ANameIsResolved) {
  start("localhost");
  EXPECT_TRUE(runner.run_until([&] { return client->ups == 1; }));
}

TEST_F(RedisLinkFaults, ANameWithoutAnAddressIsTriedOn) {
  start("no-such-host.invalid");
  runner.run_for(200);
  ask(1);
  ASSERT_TRUE(wait_answered(1, 300));
  EXPECT_EQ(client->fates[1], Fate::kNotSent);
}

TEST_F(RedisLinkFaults, TheSubscriberTakesNothingButItsChannels) {
  start();
  const std::string confirmation = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n";
  server.when_asked = [&](ScriptedConnection& connection) {
    if (connection.received.find("SUBSCRIBE") == std::string::npos) return;
    connection.send(confirmation);
    connection.send("*3\r\n$7\r\nmessage\r\n$1\r\nd\r\n$5\r\nother\r\n");
    connection.send("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\nours\r\n");
  };
  client->client.subscribe(0, "c");
  ASSERT_TRUE(runner.run_until([&] { return client->ups == 1; }));
  EXPECT_EQ(client->messages, (std::vector<std::string>{"ours"}));
  EXPECT_EQ(client->resubscribed, 1);
}

TEST_F(RedisLinkFaults, ARefusedChannelKeepsTheClientDown) {
  start();
  server.when_asked = [&](ScriptedConnection& connection) {
    if (connection.received.find("SUBSCRIBE") == std::string::npos) return;
    connection.send("-NOPERM No permissions to access a channel\r\n");
  };
  client->client.subscribe(0, "c");
  runner.run_for(500);
  EXPECT_EQ(client->ups, 0);
  EXPECT_LE(server.backend.connections.size(), 6U);
}

}  // namespace
}  // namespace sockhook::redis
