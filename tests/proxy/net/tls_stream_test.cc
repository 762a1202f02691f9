#include "proxy/net/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/tls_pair.h"

namespace sockhook::net {
namespace {

using ::testing::HasSubstr;
using testing::TestAuthority;
using testing::TlsPair;

// Servers and clients that trust one authority.
class TlsStreamTest : public ::testing::Test {
 protected:
  TlsContextPtr server_context(const conf::ServerTls& tls) {
    auto made = TlsContext::server(tls);
    EXPECT_TRUE(made) << made.error();
    return *made;
  }
  TlsContextPtr server_context() { return server_context({ca.issue_for_localhost(), {}, {}}); }
  TlsContextPtr client_context(const conf::ClientTls& tls,
                               TlsContext::Alpn alpn = TlsContext::Alpn::kNone) {
    auto made = TlsContext::client(tls, alpn);
    EXPECT_TRUE(made) << made.error();
    return *made;
  }
  TlsContextPtr client_context() { return client_context({ca.file(), {}, {}}); }

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

  TestAuthority ca;
};

TEST_F(TlsStreamTest, DeliversBothWaysThenTheEnd) {
  TlsPair pair(server_context(), client_context());
  ASSERT_TRUE(pair.open());
  EXPECT_EQ(pair.client.stream->version(), "TLSv1.3");
  pair.client.stream->write("hello ", "world");
  pair.client.stream->write_shared(std::make_shared<const std::string>("!"));
  pair.server.stream->write("welcome", {});
  pair.client.stream->shutdown();
  pair.client.stream->write("lost", {});
  ASSERT_TRUE(pair.run_until([&] { return pair.server.closed > 0 && pair.client.closed > 0; }));
  EXPECT_EQ(pair.server.received, "hello world!");
  EXPECT_EQ(pair.server.end_error, 0);
  EXPECT_EQ(pair.client.received, "welcome");
  EXPECT_EQ(pair.client.end_error, 0);
}

TEST_F(TlsStreamTest, AClientSaysWhatIsWrongWithACertificate) {
  EXPECT_EQ(failure_with(ca.issue_for_localhost(), "example.com"),
            "the certificate of example.com is for another name");
  EXPECT_EQ(failure_with(ca.issue_for_localhost(), "127.0.0.2"),
            "the certificate of 127.0.0.2 is for another name");
  EXPECT_EQ(failure_with(ca.issue({.common_name = "localhost",
                                   .alternatives = {"DNS:localhost"},
                                   .from_s = -7200,
                                   .until_s = -3600}),
                         "localhost"),
            "the certificate of localhost has expired");
  EXPECT_EQ(failure_with(ca.issue({.common_name = "localhost",
                                   .alternatives = {"DNS:localhost"},
                                   .from_s = 3600,
                                   .until_s = 7200}),
                         "localhost"),
            "the certificate of localhost is not valid yet");
  for (const char* name : {"Other Authority", "Test Authority"}) {
    TestAuthority other(name);
    EXPECT_EQ(failure_with(other.issue_for_localhost(), "localhost"),
              "the certificate of localhost is signed by an unknown authority");
  }
}

}  // namespace
}  // namespace sockhook::net
