// TLS streams over loopback, one at each end.

#include "proxy/net/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/net/tls_fixture.h"
#include "tests/support/tls_pair.h"

namespace sockhook::net {
namespace {

using ::testing::HasSubstr;
using testing::TestAuthority;
using testing::TlsPair;

class TlsStreamTest : public TlsTest {
 protected:
  // The failure that a client reports which meets this certificate as `host`.
  std::string failure_with(const conf::CertificateFiles& files, const std::string& host) {
    TlsPair pair(server_context({files, {}, {}}), client_context());
    pair.connect(host);
    EXPECT_TRUE(pair.run_until([&] { return pair.client.closed > 0 && pair.server.closed > 0; }));
    EXPECT_EQ(pair.client.connect_error, UV_EPROTO);
    EXPECT_EQ(pair.client.connects, 1);
    EXPECT_EQ(pair.client.ends, 0);
    EXPECT_EQ(pair.server.ends, 1);
    EXPECT_THAT(pair.server.failure, HasSubstr("the peer refuses: "));
    return pair.client.failure;
  }
  bool is_over(const TlsPair& pair) { return pair.client.closed > 0 && pair.server.closed > 0; }
};

TEST_F(TlsStreamTest, DeliversBothWaysThenTheEnd) {
  TlsPair pair(server_context(), client_context());
  ASSERT_TRUE(pair.open());
  EXPECT_EQ(pair.client.stream->version(), "TLSv1.3");
  EXPECT_EQ(pair.server.stream->peer_subject(), "");
  pair.client.stream->write("hello ", "world");
  pair.client.stream->write_shared(std::make_shared<const std::string>("!"));
  pair.server.stream->write("welcome", {});
  pair.client.stream->shutdown();
  pair.client.stream->write("lost", {});
  ASSERT_TRUE(pair.run_until([&] { return is_over(pair); }));
  EXPECT_EQ(pair.server.received, "hello world!");
  EXPECT_EQ(pair.server.end_error, 0);
  EXPECT_EQ(pair.client.received, "welcome");
  EXPECT_EQ(pair.client.end_error, 0);
}

TEST_F(TlsStreamTest, AnAddressMayBeTheNameOfAServer) {
  TlsPair pair(server_context(), client_context());
  EXPECT_TRUE(pair.open("127.0.0.1")) << pair.client.failure;
}

TEST_F(TlsStreamTest, AClientSaysWhatIsWrongWithACertificate) {
  const std::vector<std::string> names = {"DNS:localhost"};
  EXPECT_EQ(failure_with(ca.issue_for_localhost(), "example.com"),
            "the certificate of example.com is for another name");
  EXPECT_EQ(failure_with(ca.issue_for_localhost(), "127.0.0.2"),
            "the certificate of 127.0.0.2 is for another name");
  EXPECT_EQ(failure_with(ca.issue({"old", names, -7200, -3600}), "localhost"),
            "the certificate of localhost has expired");
  EXPECT_EQ(failure_with(ca.issue({"early", names, 3600, 7200}), "localhost"),
            "the certificate of localhost is not valid yet");
  for (const char* name : {"Other Authority", "Test Authority"}) {
    TestAuthority other(name);
    EXPECT_EQ(failure_with(other.issue_for_localhost(), "localhost"),
              "the certificate of localhost is signed by an unknown authority");
  }
}

TEST_F(TlsStreamTest, WhatIsWrittenBeforeTheHandshakeIsCompleteWaits) {
  TlsPair pair(server_context(), client_context());
  pair.connect();
  pair.client.stream->write("first ", {});
  pair.client.stream->cork();
  pair.client.stream->write("second", {});
  EXPECT_EQ(pair.client.stream->queued_bytes(), 12U);
  pair.client.stream->shutdown();
  ASSERT_TRUE(pair.run_until([&] { return is_over(pair); }));
  EXPECT_EQ(pair.server.received, "first second");
  EXPECT_EQ(pair.server.reads, 1);
}

TEST_F(TlsStreamTest, ReadingMayBeAskedForBeforeTheConnect) {
  TlsPair pair(server_context(), client_context());
  pair.client.reads_at_once = false;
  pair.connect();
  pair.client.stream->start_reading();
  pair.server.when_read = [&] { pair.server.stream->write("welcome", {}); };
  pair.client.stream->write("hello", {});
  EXPECT_TRUE(pair.run_until([&] { return pair.client.received == "welcome"; }));
}

TEST_F(TlsStreamTest, QueuesWhatAFullSocketDoesNotTakeAndEndsBehindIt) {
  TlsPair pair(server_context(), client_context());
  pair.server.reads_at_once = false;
  ASSERT_TRUE(pair.open());
  const auto block = std::make_shared<const std::string>(1 << 20, 'x');
  for (int i = 0; i < 32; ++i) pair.client.stream->write_shared(block);
  EXPECT_GT(pair.client.stream->queued_bytes(), 16U << 20);
  EXPECT_GT(block.use_count(), 16) << "what waits is not copied";
  EXPECT_TRUE(pair.client.stream->is_writing());
  pair.client.stream->shutdown();
  pair.server.stream->start_reading();
  ASSERT_TRUE(pair.run_until([&] { return is_over(pair); }));
  EXPECT_EQ(pair.server.received.size(), 32U << 20);
  EXPECT_EQ(pair.server.end_error, 0);
  EXPECT_EQ(pair.client.writable, 1);
  EXPECT_EQ(block.use_count(), 1);
}

TEST_F(TlsStreamTest, CorkedWritesGoOutTogether) {
  TlsPair pair(server_context(), client_context());
  ASSERT_TRUE(pair.open());
  pair.client.stream->cork();
  for (int i = 0; i < 1000; ++i) pair.client.stream->write("0123456789", "abcdefghij");
  pair.client.stream->uncork();
  EXPECT_EQ(pair.client.stream->queued_bytes(), 0U);
  EXPECT_FALSE(pair.client.stream->is_writing()) << "the socket had room";
  ASSERT_TRUE(pair.run_until([&] { return pair.server.received.size() == 20'000; }));
  EXPECT_EQ(pair.server.reads, 1);
}

TEST_F(TlsStreamTest, AReaderMayPauseAnywhereAndLosesNothing) {
  TlsPair pair(server_context(), client_context());
  ASSERT_TRUE(pair.open());
  std::string sent;
  for (int i = 0; i < 300'000; ++i) sent += std::to_string(i);
  pair.server.when_read = [&] {
    pair.server.stream->stop_reading();
    if (pair.server.reads % 2 == 0) pair.server.stream->start_reading();
  };
  pair.client.stream->write(sent, {});
  pair.client.stream->shutdown();
  ASSERT_TRUE(pair.run_until([&] {
    if (pair.server.stream && pair.server.reads % 2 == 1) pair.server.stream->start_reading();
    return is_over(pair);
  }));
  EXPECT_EQ(pair.server.received, sent);
  EXPECT_GT(pair.server.reads, 20);
}

TEST_F(TlsStreamTest, CloseInTheMiddleOfQueuedWritesIsClean) {
  TlsPair pair(server_context(), client_context());
  pair.server.reads_at_once = false;
  ASSERT_TRUE(pair.open());
  const auto block = std::make_shared<const std::string>(8 << 20, 'x');
  for (int i = 0; i < 4; ++i) pair.client.stream->write_shared(block);
  pair.client.stream->close();
  pair.client.stream->close();
  pair.client.stream->write("lost", {});
  EXPECT_EQ(pair.client.closed, 0) << "never from inside close()";
  pair.server.stream->reset();
  ASSERT_TRUE(pair.run_until([&] { return is_over(pair); }));
  EXPECT_EQ(pair.client.closed, 1);
  EXPECT_EQ(block.use_count(), 1);
}

TEST_F(TlsStreamTest, CloseDuringTheConnectSaysNothingMore) {
  TlsPair pair(server_context(), client_context());
  pair.connect();
  pair.client.stream->close();
  ASSERT_TRUE(pair.run_until([&] { return pair.client.closed > 0; }));
  EXPECT_EQ(pair.client.connects, 0);
  EXPECT_EQ(pair.client.ends, 0);
}

TEST_F(TlsStreamTest, CloseDuringTheHandshakeSaysNothingMore) {
  TlsPair pair(server_context(), client_context());
  pair.connect();
  ASSERT_TRUE(pair.run_until([&] { return pair.server.stream != nullptr; }));
  pair.client.stream->close();
  ASSERT_TRUE(pair.run_until([&] { return is_over(pair); }));
  EXPECT_EQ(pair.client.connects, 0);
  EXPECT_EQ(pair.client.ends, 0);
  EXPECT_EQ(pair.server.ends, 1);
  EXPECT_LT(pair.server.end_error, 0);
}

TEST_F(TlsStreamTest, ClosingSaysSoToThePeer) {
  TlsPair pair(server_context(), client_context());
  ASSERT_TRUE(pair.open());
  pair.server.stream->write("bye", {});
  pair.server.stream->close();
  ASSERT_TRUE(pair.run_until([&] { return is_over(pair); }));
  EXPECT_EQ(pair.client.received, "bye");
  EXPECT_EQ(pair.client.end_error, 0) << pair.client.failure;
}

TEST_F(TlsStreamTest, AResetIsAnError) {
  TlsPair pair(server_context(), client_context());
  ASSERT_TRUE(pair.open());
  pair.server.stream->reset();
  ASSERT_TRUE(pair.run_until([&] { return is_over(pair); }));
  EXPECT_EQ(pair.client.end_error, UV_ECONNRESET);
  EXPECT_EQ(pair.client.ends, 1);
}

TEST_F(TlsStreamTest, AWriteToAResetConnectionEndsItFromTheLoop) {
  TlsPair pair(server_context(), client_context());
  pair.client.reads_at_once = false;
  ASSERT_TRUE(pair.open());
  pair.server.stream->reset();
  ASSERT_TRUE(pair.run_until([&] { return pair.server.closed > 0; }));
  pair.client.stream->write("a", {});
  pair.client.stream->write(std::string(1 << 20, 'b'), {});
  EXPECT_EQ(pair.client.ends, 0);
  ASSERT_TRUE(pair.run_until([&] { return pair.client.closed > 0; }));
  EXPECT_EQ(pair.client.ends, 1);
  EXPECT_LT(pair.client.end_error, 0);
}

TEST_F(TlsStreamTest, ARefusedConnectIsToldAsSuch) {
  TlsPair pair(server_context(), client_context());
  pair.address.set_port(1);
  pair.connect();
  ASSERT_TRUE(pair.run_until([&] { return pair.client.closed > 0; }));
  EXPECT_EQ(pair.client.connect_error, UV_ECONNREFUSED);
  EXPECT_EQ(pair.client.failure, "");
}

}  // namespace
}  // namespace sockhook::net
