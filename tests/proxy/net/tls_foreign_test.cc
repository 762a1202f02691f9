// TLS streams against the openssl command: s_client and s_server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "proxy/net/tls_stream.h"
#include "tests/proxy/net/tls_fixture.h"
#include "tests/support/openssl_tool.h"
#include "tests/support/tls_pair.h"

namespace sockhook::net {
namespace {

using ::testing::HasSubstr;
using testing::LoopRunner;
using testing::OpensslTool;
using testing::TlsPair;
using testing::TlsSide;

class TlsForeignTest : public TlsTest {
 protected:
  // s_client to the pair's listener; it ends when its input does.
  std::unique_ptr<OpensslTool> client(const TlsPair& pair, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"s_client",    "-connect",  pair.address.to_string(),
                                          "-servername", "localhost", "-CAfile",
                                          ca.file()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<OpensslTool>(arguments);
  }
  // One connection of s_client, which says something and leaves; what it has printed.
  std::string visit(TlsContextPtr context, const std::vector<std::string>& more) {
    TlsPair pair(std::move(context), client_context());
    auto tool = client(pair, more);
    tool->type("hello\n");
    pair.server.when_read = [&] {
      pair.server.stream->write("welcome\n", {});
      pair.server.when_read = {};
    };
    EXPECT_TRUE(pair.run_until([&] { return tool->has_printed("welcome\n"); })) << tool->printed();
    EXPECT_TRUE(tool->has_printed("Verify return code: 0 (ok)")) << tool->printed();
    tool->end_input();
    EXPECT_TRUE(pair.run_until([&] { return pair.server.closed > 0; }));
    EXPECT_EQ(pair.server.received, "hello\n");
    EXPECT_EQ(pair.server.end_error, 0) << pair.server.failure;
    return tool->printed();
  }
};

TEST_F(TlsForeignTest, AServerForAClientOfEitherVersion) {
  EXPECT_THAT(visit(server_context(), {"-tls1_2"}), HasSubstr("Protocol  : TLSv1.2"));
  EXPECT_THAT(visit(server_context(), {"-tls1_3"}), HasSubstr("New, TLSv1.3"));
}

TEST_F(TlsForeignTest, AnOlderVersionIsRefused) {
  TlsPair pair(server_context(), client_context());
  auto tool = client(pair, {"-tls1_1", "-cipher", "ALL@SECLEVEL=0"});
  ASSERT_TRUE(pair.run_until([&] { return pair.server.closed > 0; }));
  EXPECT_EQ(pair.server.failure, "TLS failed: unsupported protocol");
}

TEST_F(TlsForeignTest, AServerChoosesHttp11) {
  EXPECT_THAT(visit(server_context(), {"-alpn", "h2,http/1.1"}),
              HasSubstr("ALPN protocol: http/1.1"));
  EXPECT_THAT(visit(server_context(), {}), HasSubstr("No ALPN negotiated"));
}

TEST_F(TlsForeignTest, AClientThatSpeaksOtherProtocolsOnlyIsRefused) {
  TlsPair pair(server_context(), client_context());
  auto tool = client(pair, {"-alpn", "h2"});
  ASSERT_TRUE(pair.run_until([&] { return tool->has_printed("no application protocol"); }));
  EXPECT_EQ(pair.server.end_error, UV_EPROTO);
}

TEST_F(TlsForeignTest, ASessionIsResumedByItsTicket) {
  const TlsContextPtr context = strict_server_context();
  const conf::CertificateFiles own = ca.issue({"app"});
  const std::string session = ca.file() + ".session";
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const std::vector<std::string> first = {version, "-cert",     own.certificate, "-key",
                                            own.key, "-sess_out", session};
    EXPECT_THAT(visit(context, first), HasSubstr("New, "));
    // On another connection, in the same way for another loop; the certificate is remembered.
    EXPECT_THAT(visit(context, {version, "-sess_in", session}), HasSubstr("Reused, "));
    const TlsContextPtr reloaded = strict_server_context();
    EXPECT_THAT(
        visit(reloaded, {version, "-cert", own.certificate, "-key", own.key, "-sess_in", session}),
        HasSubstr("New, "));
  }
}

TEST_F(TlsForeignTest, ARenegotiationIsRefused) {
  TlsPair pair(server_context(), client_context());
  auto tool = client(pair, {"-tls1_2"});
  tool->type("hello\n");
  ASSERT_TRUE(pair.run_until([&] { return pair.server.received == "hello\n"; }));
  tool->type("R\n");  // s_client renegotiates
  ASSERT_TRUE(pair.run_until([&] { return tool->has_printed("no renegotiation"); }))
      << tool->printed();
}

// s_server, of which the test's port is known from what it prints.
class TlsForeignServerTest : public TlsTest {
 protected:
  void serve(std::vector<std::string> more) {
    const conf::CertificateFiles files = ca.issue_for_localhost();
    std::vector<std::string> arguments = {"s_server",        "-accept", "127.0.0.1:0", "-cert",
                                          files.certificate, "-key",    files.key};
    arguments.insert(arguments.end(), more.begin(), more.end());
    tool = std::make_unique<OpensslTool>(arguments);
    const std::string sign = "ACCEPT 127.0.0.1:";
    ASSERT_TRUE(runner.run_until([&] { return tool->has_printed(sign); })) << tool->printed();
    const std::size_t at = tool->printed().find(sign) + sign.size();
    port = static_cast<uint16_t>(std::stoi(tool->printed().substr(at)));
  }
  void connect(const TlsContextPtr& context) {
    side.stream =
        TlsStream::client(runner.loop(), context, "localhost",
                          std::make_unique<SocketStream>(runner.loop(), false, nullptr), &side);
    ASSERT_EQ(side.stream->connect(SocketAddress::ip("127.0.0.1", port), &side), 0);
    ASSERT_TRUE(runner.run_until([&] { return side.connects > 0; }));
  }
  void TearDown() override {
    if (side.stream) side.stream->close();
    runner.run_until([&] { return side.stream == nullptr; });
  }

  LoopRunner runner;
  std::unique_ptr<OpensslTool> tool;
  uint16_t port = 0;
  TlsSide side;
};

TEST_F(TlsForeignServerTest, AClientOfEitherVersion) {
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    serve({version, "-rev"});
    connect(client_context());
    ASSERT_EQ(side.connect_error, 0) << side.failure;
    side.received.clear();
    side.stream->write("hello\n", {});
    EXPECT_TRUE(runner.run_until([&] { return side.received == "olleh\n"; })) << side.received;
    side.stream->close();
    EXPECT_TRUE(runner.run_until([&] { return side.stream == nullptr; }));
    side.connects = 0;
  }
}

TEST_F(TlsForeignServerTest, AClientShowsItsCertificateAndAsksForHttp11) {
  serve({"-Verify", "1", "-verify_return_error", "-CAfile", ca.file(), "-alpn", "http/1.1"});
  const conf::CertificateFiles own = ca.issue({"node-1"});
  connect(client_context({ca.file(), own, {}}, TlsContext::Alpn::kHttp11));
  ASSERT_EQ(side.connect_error, 0) << side.failure;
  EXPECT_TRUE(runner.run_until([&] {
    return tool->has_printed("ALPN protocols selected: http/1.1");
  })) << tool->printed();
  EXPECT_TRUE(tool->has_printed("CN = node-1")) << tool->printed();
}

TEST_F(TlsForeignServerTest, AClientWithoutACertificateLearnsWhatIsWrong) {
  serve({"-Verify", "1", "-verify_return_error", "-CAfile", ca.file()});
  connect(client_context());
  EXPECT_TRUE(runner.run_until([&] { return side.closed > 0; }));
  EXPECT_EQ(side.failure, "the peer refuses: certificate required");
}

TEST_F(TlsForeignServerTest, AServerThatIsKilledHasNotEndedInOrder) {
  serve({});
  connect(client_context());
  ASSERT_EQ(side.connect_error, 0) << side.failure;
  tool.reset();
  EXPECT_TRUE(runner.run_until([&] { return side.closed > 0; }));
  EXPECT_EQ(side.end_error, UV_ECONNRESET);
}

}  // namespace
}  // namespace sockhook::net
