#include "proxy/net/tls_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "proxy/net/tls_stream.h"
#include "tests/proxy/net/tls_fixture.h"
#include "tests/support/tls_pair.h"

namespace sockhook::net {
namespace {

using ::testing::StartsWith;
using testing::TestAuthority;
using testing::TlsPair;

using TlsContextTest = TlsTest;

TEST_F(TlsContextTest, FilesThatDoNotFitAreErrorsThatNameThem) {
  const conf::CertificateFiles good = ca.issue_for_localhost();
  const conf::CertificateFiles other = ca.issue_for_localhost();
  const std::string empty = good.key + ".empty";
  std::ofstream(empty).close();

  EXPECT_EQ(TlsContext::server({{"/nowhere.crt", good.key}, {}, {}}).error(),
            "cannot read the certificate /nowhere.crt: No such file or directory");
  EXPECT_EQ(TlsContext::server({{good.certificate, "/nowhere.key"}, {}, {}}).error(),
            "cannot read the key /nowhere.key: No such file or directory");
  EXPECT_EQ(TlsContext::server({{empty, good.key}, {}, {}}).error(),
            "cannot read the certificate " + empty + ": no start line");
  EXPECT_THAT(TlsContext::server({{good.certificate, empty}, {}, {}}).error(),
              StartsWith("cannot read the key " + empty + ": "));
  EXPECT_EQ(TlsContext::server({{good.certificate, other.key}, {}, {}}).error(),
            "the key " + other.key + " is not that of the certificate " + good.certificate);
  EXPECT_EQ(TlsContext::server({good, {}, {{good.certificate, other.key}}}).error(),
            "the key " + other.key + " is not that of the certificate " + good.certificate);
  EXPECT_THAT(TlsContext::server({good, empty, {}}).error(),
              StartsWith("cannot read the authority " + empty + ": "));
  EXPECT_EQ(TlsContext::client({"/nowhere.crt", {}, {}}, TlsContext::Alpn::kNone).error(),
            "cannot read the authority /nowhere.crt: No such file or directory");
  EXPECT_EQ(TlsContext::client({{}, {{good.certificate, other.key}}, {}}, TlsContext::Alpn::kNone)
                .error(),
            "the key " + other.key + " is not that of the certificate " + good.certificate);
  EXPECT_TRUE(TlsContext::client({}, TlsContext::Alpn::kHttp11)) << "the system's authorities";
}

TEST_F(TlsContextTest, AServerChoosesTheCertificateByTheNameThatIsAskedFor) {
  const TlsContextPtr server =
      server_context({ca.issue({"default", {"DNS:default.test"}}),
                      {},
                      {ca.issue({"a", {"DNS:a.test", "DNS:*.a.test"}}), ca.issue({"b.test"}),
                       ca.issue({"second", {"DNS:a.test"}})}});
  const auto subject_for = [&](const std::string& host) {
    TlsPair pair(server, client_context());
    return pair.open(host) ? pair.client.stream->peer_subject() : pair.client.failure;
  };
  EXPECT_EQ(subject_for("default.test"), "CN=default,O=Sockhook");
  EXPECT_EQ(subject_for("a.test"), "CN=a,O=Sockhook");
  EXPECT_EQ(subject_for("X.A.test"), "CN=a,O=Sockhook");
  EXPECT_EQ(subject_for("b.test"), "CN=b.test,O=Sockhook");
  EXPECT_EQ(subject_for("x.y.a.test"), "the certificate of x.y.a.test is for another name");
  EXPECT_EQ(subject_for("c.test"), "the certificate of c.test is for another name");
}

TEST_F(TlsContextTest, AServerWithAnAuthorityForClientsKnowsThemByTheirSubject) {
  const conf::CertificateFiles own = ca.issue({"J\xC3\xBCrgen, M"});
  TlsPair pair(strict_server_context(), client_context({ca.file(), own, {}}));
  ASSERT_TRUE(pair.open());
  EXPECT_EQ(pair.server.stream->peer_subject(), "CN=J\\C3\\BCrgen\\, M,O=Sockhook");
}

TEST_F(TlsContextTest, AClientWithoutACertificateIsRefused) {
  TlsPair pair(strict_server_context(), client_context());
  pair.connect();
  ASSERT_TRUE(pair.run_until([&] { return pair.client.closed > 0 && pair.server.closed > 0; }));
  EXPECT_EQ(pair.server.end_error, UV_EPROTO);
  EXPECT_EQ(pair.server.failure, "the client has shown no certificate");
  // Its own handshake was complete before the server could say so.
  EXPECT_EQ(pair.client.connect_error, 0);
  EXPECT_EQ(pair.client.end_error, UV_EPROTO);
  EXPECT_EQ(pair.client.failure, "the peer refuses: certificate required");
}

TEST_F(TlsContextTest, AClientOfAnotherAuthorityIsRefused) {
  TestAuthority other("Other Authority");
  const conf::CertificateFiles own = other.issue({"stranger"});
  TlsPair pair(strict_server_context(), client_context({ca.file(), own, {}}));
  pair.connect();
  ASSERT_TRUE(pair.run_until([&] { return pair.client.closed > 0 && pair.server.closed > 0; }));
  EXPECT_EQ(pair.server.failure, "the client's certificate is signed by an unknown authority");
  EXPECT_EQ(pair.client.failure, "the peer refuses: unknown ca");
}

TEST_F(TlsContextTest, ASubjectWithoutEndIsRefused) {
  // A common name may have 64 characters; a subject as many of them as one likes.
  conf::CertificateFiles own = ca.issue({std::string(64, 'x'), {}, -3600, 3600, 80});
  TlsPair pair(strict_server_context(), client_context({ca.file(), own, {}}));
  pair.connect();
  ASSERT_TRUE(pair.run_until([&] { return pair.server.closed > 0; }));
  EXPECT_EQ(pair.server.failure, "the subject of the peer's certificate is too long");
}

}  // namespace
}  // namespace sockhook::net
