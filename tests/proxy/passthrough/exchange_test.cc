#include "proxy/passthrough/exchange.h"

#include <gtest/gtest.h>

#include "tests/proxy/passthrough/passthrough_fixture.h"

namespace sockhook::passthrough {
namespace {

using observe::PassthroughResult;

// ---- what passes ----

TEST_F(PassthroughTest, PassesTheRequestAndItsAnswer) {
  open();
  RawClient& client = send(kGet);
  ASSERT_TRUE(asked("GET /page HTTP/1.1\r\nHost: example.com\r\n"));
  asked_connection().send("HTTP/1.1 201 Fine\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_TRUE(gets(client, "hello"));
  EXPECT_EQ(client.received.rfind("HTTP/1.1 201 Fine\r\n", 0), 0u);
  EXPECT_TRUE(client.has("\r\nX-A: 1\r\n"));
  EXPECT_TRUE(client.has("\r\nContent-Length: 5\r\n"));
  EXPECT_EQ(count(PassthroughResult::kAnswered), 1u);
}

TEST_F(PassthroughTest, KeepsBothConnectionsForTheNextRequest) {
  auto& backend = open();
  backend.on_received = [](auto& connection) {
    connection.send(length_answer("n" + std::to_string(connection.received.size())));
    connection.received.clear();
  };
  RawClient& client = connect();
  for (int i = 0; i < 3; ++i) {
    client.received.clear();
    client.send(kGet);
    ASSERT_TRUE(gets(client, "\r\n\r\nn"));
  }
  EXPECT_EQ(backend.connections.size(), 1u);
}

TEST_F(PassthroughTest, AnswersPipelinedRequestsInOrder) {
  auto& backend = open();
  backend.on_received = [](auto& connection) {
    const std::size_t at = connection.received.find("GET /") + 5;
    connection.send(length_answer("<" + connection.received.substr(at, 1) + ">"));
    connection.received.clear();
  };
  std::string requests;
  for (const char* path : {"a", "b", "c"}) {
    requests += std::string("GET /") + path + " HTTP/1.1\r\nHost: h\r\n\r\n";
  }
  RawClient& client = send(requests);
  ASSERT_TRUE(gets(client, "<c>"));
  EXPECT_LT(client.received.find("<a>"), client.received.find("<b>"));
  EXPECT_LT(client.received.find("<b>"), client.received.find("<c>"));
}

TEST_F(PassthroughTest, StreamsABodyOfKnownLengthAsItComes) {
  open();
  RawClient& client = send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345");
  ASSERT_TRUE(asked("Content-Length: 10\r\n\r\n12345"));
  client.send("67890");
  ASSERT_TRUE(asked("1234567890"));
  asked_connection().send(length_answer("thanks"));
  ASSERT_TRUE(gets(client, "thanks"));
}

TEST_F(PassthroughTest, StreamsAChunkedBodyAndItsTrailers) {
  open();
  RawClient& client =
      send("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  ASSERT_TRUE(asked("Transfer-Encoding: chunked\r\n"));
  ASSERT_TRUE(asked("3\r\nabc\r\n"));
  client.send("2\r\nde\r\n0\r\nX-Sum: 5\r\nce-id: forged\r\n\r\n");
  ASSERT_TRUE(asked("2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n"));
}

TEST_F(PassthroughTest, StreamsAChunkedAnswerAsItComesAndItsTrailers) {
  open();
  RawClient& client = send(kGet);
  ASSERT_TRUE(asked("GET"));
  asked_connection().send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  ASSERT_TRUE(gets(client, "3\r\nabc\r\n"));
  asked_connection().send("2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n");
  ASSERT_TRUE(gets(client, "2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n"));
}

TEST_F(PassthroughTest, AnAnswerUntilCloseIsSentInChunks) {
  open();
  RawClient& client = send(kGet);
  ASSERT_TRUE(asked("GET"));
  asked_connection().send("HTTP/1.1 200 OK\r\n\r\nall of it");
  asked_connection().send_fin();
  ASSERT_TRUE(gets(client, "9\r\nall of it\r\n0\r\n\r\n"));
  EXPECT_FALSE(client.has_ended);
}

TEST_F(PassthroughTest, AnHttp10ClientGetsTheBodyUntilClose) {
  open();
  RawClient& client = send("GET /page HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(asked("GET /page HTTP/1.1\r\nHost: 127.0.0.1"));
  asked_connection().send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.has_ended; }));
  EXPECT_FALSE(client.was_reset);
  EXPECT_TRUE(client.received.ends_with("\r\n\r\nabc")) << client.received;
}

TEST_F(PassthroughTest, TheAnswerToHeadKeepsItsLengthAndHasNoBody) {
  open();
  RawClient& client = send("HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(asked("HEAD /page"));
  asked_connection().send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
  ASSERT_TRUE(gets(client, "\r\nContent-Length: 1234\r\n"));
  client.send(kGet);
  ASSERT_TRUE(asked("GET /page")) << "both connections are ready for the next request";
  EXPECT_EQ(backends[0]->connections.size(), 1u);
}

TEST_F(PassthroughTest, Answers204And304HaveNoBody) {
  auto& backend = open();
  const char* answer = "HTTP/1.1 204 No Content\r\n\r\n";
  backend.on_received = [&](auto& connection) { connection.send(answer); };
  RawClient& client = send(kGet);
  ASSERT_TRUE(gets(client, "HTTP/1.1 204 No Content\r\n"));
  EXPECT_FALSE(client.has("Content-Length"));
  EXPECT_FALSE(client.has("Transfer-Encoding"));
  answer = "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 99\r\n\r\n";
  client.send(kGet);
  ASSERT_TRUE(gets(client, "\r\nETag: \"a\"\r\nContent-Length: 99\r\n"));
  client.received.clear();
  client.send(kGet);
  ASSERT_TRUE(gets(client, "HTTP/1.1 304"));
}

TEST_F(PassthroughTest, TheBackendDecidesWhetherABodyMayCome) {
  open();
  RawClient& client =
      send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(asked("Expect: 100-continue\r\n"));
  testing::run_for(loop, 20);
  EXPECT_EQ(client.received, "") << "no 100 but the backend's";
  asked_connection().send("HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(gets(client, "HTTP/1.1 100 Continue\r\n\r\n"));
  client.send("12345");
  ASSERT_TRUE(asked("\r\n\r\n12345"));
  asked_connection().send(length_answer("done"));
  ASSERT_TRUE(gets(client, "done"));
}

TEST_F(PassthroughTest, ARefusalInPlaceOf100ReachesTheClient) {
  open();
  RawClient& client =
      send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(asked("Expect"));
  asked_connection().send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  ASSERT_TRUE(gets(client, "\r\n\r\nno"));
  EXPECT_TRUE(client.has("HTTP/1.1 403 Forbidden\r\n"));
}

TEST_F(PassthroughTest, EarlyHintsArePassedOn) {
  open();
  RawClient& client = send(kGet);
  ASSERT_TRUE(asked("GET"));
  asked_connection().send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
  ASSERT_TRUE(gets(client, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"));
  asked_connection().send(length_answer("page"));
  ASSERT_TRUE(gets(client, "HTTP/1.1 200 OK\r\n"));
}

TEST_F(PassthroughTest, AWishForAnotherProtocolIsNotPassedOn) {
  open();
  RawClient& client = send(
      "GET /page HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAA\r\n\r\n");
  ASSERT_TRUE(asked("\r\n\r\n"));
  EXPECT_EQ(asked_connection().received.find("pgrade"), std::string::npos);
  EXPECT_EQ(asked_connection().received.find("HTTP2"), std::string::npos);
  asked_connection().send(length_answer("plain"));
  ASSERT_TRUE(gets(client, "plain"));
}

// ---- backpressure ----

constexpr std::size_t kBig = 64u << 20;

TEST_F(PassthroughTest, AClientWaitsForABackendThatDoesNotRead) {
  auto& backend = open();
  backend.on_accepted = [](auto& connection) { connection.stop_reading(); };
  RawClient& client =
      send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(kBig) + "\r\n\r\n");
  for (int i = 0; i < 64; ++i) client.send(std::string(kBig / 64, 'x'));
  testing::run_for(loop, 300);
  EXPECT_GT(client.unsent(), kBig / 2) << "the proxy must not take it all";

  std::size_t received = 0;
  backend.on_received = [&](auto& connection) {
    received += connection.received.size();
    connection.received.clear();
    if (received > kBig) connection.send(length_answer("got it"));
  };
  backend.connection(0).start_reading();
  ASSERT_TRUE(until([&] { return client.has("got it"); }, 20'000));
}

TEST_F(PassthroughTest, ABackendWaitsForAClientThatDoesNotRead) {
  auto& backend = open();
  RawClient& client = connect();
  client.reads_at_once = false;
  client.send(kGet);
  backend.on_received = [](auto& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBig) + "\r\n\r\n");
    for (int i = 0; i < 64; ++i) connection.send(std::string(kBig / 64, 'y'));
  };
  ASSERT_TRUE(until([&] { return backend.connections.size() == 1; }));
  testing::run_for(loop, 300);
  EXPECT_GT(backend.connection(0).unsent(), kBig / 2) << "the proxy must not take it all";
  client.start_reading();
  ASSERT_TRUE(until([&] { return client.received.size() > kBig; }, 20'000));
  EXPECT_EQ(count(PassthroughResult::kAnswered), 1u);
}

}  // namespace
}  // namespace sockhook::passthrough
