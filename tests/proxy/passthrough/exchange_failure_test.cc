#include <gtest/gtest.h>

#include "proxy/passthrough/exchange.h"
#include "tests/proxy/passthrough/passthrough_fixture.h"

namespace sockhook::passthrough {
namespace {

using observe::PassthroughResult;

constexpr const char* kPost = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345";

// ---- before the head of the answer ----

TEST_F(PassthroughTest, ABackendThatRefusesIs502) {
  config.urls = {dead_url()};
  add_backend();
  config.urls.pop_back();
  open();
  RawClient& client = send(kGet);
  ASSERT_TRUE(gets(client, "HTTP/1.1 502 Bad Gateway\r\n"));
  EXPECT_EQ(count(PassthroughResult::kUnreachable), 1u);
  client.received.clear();
  client.send(kGet);
  EXPECT_TRUE(gets(client, "HTTP/1.1 502")) << "the client's connection stays";
}

TEST_F(PassthroughTest, AMalformedAnswerIs502) {
  auto& backend = open();
  backend.on_received = [](auto& connection) { connection.send("SSH-2.0-OpenSSH\r\n"); };
  RawClient& client = send(kGet);
  ASSERT_TRUE(gets(client, "HTTP/1.1 502"));
  EXPECT_EQ(count(PassthroughResult::kBroken), 1u);
}

TEST_F(PassthroughTest, ASwitchOfProtocolsThatNobodyAskedForIs502) {
  auto& backend = open();
  backend.on_received = [](auto& connection) {
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
  };
  RawClient& client = send(kGet);
  EXPECT_TRUE(gets(client, "HTTP/1.1 502"));
}

TEST_F(PassthroughTest, ABackendThatClosesWithoutAnAnswerIs502) {
  auto& backend = open();
  backend.on_received = [](auto& connection) { connection.close(); };
  RawClient& client = send(kGet);
  ASSERT_TRUE(gets(client, "HTTP/1.1 502"));
  EXPECT_EQ(backend.connections.size(), 1u) << "the connection was new: the backend had read it";
}

TEST_F(PassthroughTest, ABackendThatDoesNotAnswerInTimeIs504) {
  config.timeout = conf::Duration{100};
  open();
  RawClient& client = send(kGet);
  ASSERT_TRUE(gets(client, "HTTP/1.1 504 Gateway Timeout\r\n"));
  EXPECT_EQ(count(PassthroughResult::kTimedOut), 1u);
  ASSERT_TRUE(until([&] { return asked_connection().was_reset(); }));
}

TEST_F(PassthroughTest, WaitingForAConnectionCountsForTheTimeout) {
  config.timeout = conf::Duration{100};
  config.max_connections = 1;
  open();
  backend::User holder(*pool);
  ASSERT_TRUE(get_lease(holder));
  RawClient& client = send(kGet);
  EXPECT_TRUE(gets(client, "HTTP/1.1 504"));
}

TEST_F(PassthroughTest, ALongUploadIsNoTimeout) {
  config.timeout = conf::Duration{150};
  open();
  RawClient& client = send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  for (const char* byte : {"1", "2", "3", "4", "5"}) {
    testing::run_for(loop, 80);
    client.send(byte);
  }
  ASSERT_TRUE(asked("12345"));
  asked_connection().send(length_answer("thanks"));
  EXPECT_TRUE(gets(client, "thanks"));
}

TEST_F(PassthroughTest, ABodyThatCameBeforeTheConnectionIsHeldAndSent) {
  config.max_connections = 1;
  open();
  backend::User holder(*pool);
  ASSERT_TRUE(get_lease(holder));
  RawClient& client = send(kPost);
  testing::run_for(loop, 30);
  holder.lease.give_back();
  ASSERT_TRUE(asked("\r\n\r\n12345"));
  asked_connection().send(length_answer("thanks"));
  EXPECT_TRUE(gets(client, "thanks"));
}

// ---- retries ----

// A connection that has served one request and is closed by the backend when the next one comes.
class StaleConnectionTest : public PassthroughTest {
 protected:
  RawClient& with_stale_connection() {
    auto& backend = open();
    backend.on_received = [this](testing::ScriptedConnection& connection) {
      const bool is_first = &connection == backends[0]->connections[0].get();
      if (is_first && has_served) {
        connection.reset();
        return;
      }
      if (!is_first) seen_on_fresh += connection.received;
      has_served = true;
      connection.send(length_answer("answer " + std::to_string(++answers)));
    };
    RawClient& client = send(kGet);
    EXPECT_TRUE(gets(client, "answer 1"));
    return client;
  }
  bool has_served = false;
  int answers = 0;
  std::string seen_on_fresh;
};

TEST_F(StaleConnectionTest, ARequestThatTheBackendCannotHaveReadIsSentAgainOnAFreshConnection) {
  RawClient& client = with_stale_connection();
  client.send(kGet);
  ASSERT_TRUE(gets(client, "answer 2"));
  EXPECT_EQ(seen_on_fresh.rfind("GET /page HTTP/1.1\r\n", 0), 0u);
}

TEST_F(StaleConnectionTest, ARequestOfWhichABodyByteWasSentIsNotSentAgain) {
  RawClient& client = with_stale_connection();
  client.send("PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345");
  ASSERT_TRUE(gets(client, "HTTP/1.1 502"));
  EXPECT_EQ(seen_on_fresh, "");
}

TEST_F(StaleConnectionTest, APostIsNotSentAgain) {
  RawClient& client = with_stale_connection();
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(gets(client, "HTTP/1.1 502"));
  EXPECT_EQ(seen_on_fresh, "");
}

TEST_F(StaleConnectionTest, AnAnswerThatHasBegunIsNotAskedForAgain) {
  RawClient& client = with_stale_connection();
  backends[0]->on_received = [](testing::ScriptedConnection& connection) {
    connection.send("HTTP/1.1 2");
    connection.send_fin();
  };
  client.send(kGet);
  ASSERT_TRUE(gets(client, "HTTP/1.1 502"));
  EXPECT_EQ(backends[0]->connections.size(), 1u);
}

// ---- in the middle of the answer ----

TEST_F(PassthroughTest, AnAnswerThatBreaksOffNeverEndsCleanly) {
  auto& backend = open();
  for (const char* head : {"Content-Length: 100", "Transfer-Encoding: chunked"}) {
    backend.on_received = [head](auto& connection) {
      connection.send(std::string("HTTP/1.1 200 OK\r\n") + head + "\r\n\r\n5\r\nhello\r\n");
    };
    RawClient& client = send(kGet);
    ASSERT_TRUE(gets(client, "hello"));
    asked_connection().close();
    ASSERT_TRUE(until([&] { return client.has_ended; }));
    EXPECT_TRUE(client.was_reset) << head;
    EXPECT_FALSE(client.has("\r\n0\r\n\r\n"));
  }
  EXPECT_EQ(count(PassthroughResult::kBroken), 2u);
}

TEST_F(PassthroughTest, AnAnswerUntilCloseThatIsResetNeverEndsCleanly) {
  auto& backend = open();
  backend.on_received = [](auto& connection) { connection.send("HTTP/1.1 200 OK\r\n\r\nhello"); };
  RawClient& client = send(kGet);
  ASSERT_TRUE(gets(client, "hello"));
  asked_connection().reset();
  ASSERT_TRUE(until([&] { return client.has_ended; }));
  EXPECT_TRUE(client.was_reset);
  EXPECT_FALSE(client.has("\r\n0\r\n\r\n"));
}

TEST_F(PassthroughTest, ABrokenChunkSizeOfTheBackendNeverEndsCleanly) {
  auto& backend = open();
  backend.on_received = [](auto& connection) {
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n");
  };
  RawClient& client = send(kGet);
  ASSERT_TRUE(until([&] { return client.has_ended; }));
  EXPECT_TRUE(client.was_reset) << client.received;
}

TEST_F(PassthroughTest, AnAnswerInWhichNoByteMovesIsBrokenOff) {
  auto& backend = open(150);
  backend.on_received = [](auto& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
  };
  RawClient& client = send(kGet);
  ASSERT_TRUE(until([&] { return client.has_ended; }));
  EXPECT_TRUE(client.was_reset);
  EXPECT_EQ(count(PassthroughResult::kTimedOut), 1u);
}

TEST_F(PassthroughTest, AnAnswerThatTricklesIsNotBrokenOff) {
  config.timeout = conf::Duration{100};
  open(150);
  RawClient& client = send(kGet);
  ASSERT_TRUE(asked("GET"));
  asked_connection().send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
  for (const char* byte : {"a", "b", "c", "d", "e", "f"}) {
    testing::run_for(loop, 80);
    asked_connection().send(byte);
  }
  EXPECT_TRUE(gets(client, "abcdef"));
}

TEST_F(PassthroughTest, AnAnswerBeforeTheEndOfTheRequestIsPassedOnWhole) {
  auto& backend = open();
  backend.on_received = [](auto& connection) {
    if (connection.received.find("\r\n\r\n") == std::string::npos) return;
    connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 7\r\n\r\ntoo big");
    connection.close();
  };
  RawClient& client = send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
  for (int i = 0; i < 50; ++i) client.send(std::string(1'000'000, 'x'));
  ASSERT_TRUE(gets(client, "\r\n\r\ntoo big"));
  EXPECT_TRUE(client.has("HTTP/1.1 413 Content Too Large\r\n"));
}

// ---- the client goes ----

TEST_F(PassthroughTest, AClientThatGoesEndsTheRequestToTheBackend) {
  open();
  RawClient& client = send(kGet);
  ASSERT_TRUE(asked("GET"));
  client.close();
  ASSERT_TRUE(until([&] { return asked_connection().was_reset(); }));
  EXPECT_EQ(count(PassthroughResult::kClientGone), 1u);
  EXPECT_EQ(passthrough->active(), 0u);
}

TEST_F(PassthroughTest, AClientThatGoesInTheMiddleOfTheAnswerEndsIt) {
  auto& backend = open();
  backend.on_received = [](auto& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
  };
  RawClient& client = send(kGet);
  ASSERT_TRUE(gets(client, "hello"));
  client.reset();
  ASSERT_TRUE(until([&] { return asked_connection().was_reset(); }));
}

TEST_F(PassthroughTest, AClientThatGoesWhileItWaitsTakesNoConnection) {
  config.max_connections = 1;
  open();
  backend::User holder(*pool);
  ASSERT_TRUE(get_lease(holder));
  RawClient& client = send(kGet);
  ASSERT_TRUE(until([&] { return pool->stats().waiting == 1; }));
  client.close();
  EXPECT_TRUE(until([&] { return pool->stats().waiting == 0; }));
  EXPECT_EQ(passthrough->active(), 0u);
}

TEST_F(PassthroughTest, AMalformedBodyEndsTheRequestToTheBackend) {
  open();
  RawClient& client = send("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  ASSERT_TRUE(asked("POST"));
  client.send("zz\r\n");
  ASSERT_TRUE(gets(client, "HTTP/1.1 400"));
  ASSERT_TRUE(until([&] { return asked_connection().was_reset(); }));
}

}  // namespace
}  // namespace sockhook::passthrough
