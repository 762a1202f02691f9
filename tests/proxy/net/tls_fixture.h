// TlsTest: contexts of one authority.

#pragma once

#include <gtest/gtest.h>

#include <string>

#include "proxy/net/tls_context.h"
#include "tests/support/certificates.h"

namespace sockhook::net {

class TlsTest : public ::testing::Test {
 protected:
  static TlsContextPtr server_context(const conf::ServerTls& tls) {
    auto made = TlsContext::server(tls);
    EXPECT_TRUE(made) << made.error();
    return *made;
  }
  TlsContextPtr server_context() { return server_context({ca.issue_for_localhost(), {}, {}}); }
  // Clients must show a certificate of `ca`.
  TlsContextPtr strict_server_context() {
    return server_context({ca.issue_for_localhost(), ca.file(), {}});
  }
  static TlsContextPtr client_context(const conf::ClientTls& tls,
                                      TlsContext::Alpn alpn = TlsContext::Alpn::kNone) {
    auto made = TlsContext::client(tls, alpn);
    EXPECT_TRUE(made) << made.error();
    return *made;
  }
  TlsContextPtr client_context() { return client_context({ca.file(), {}, {}}); }

  testing::TestAuthority ca;
};

}  // namespace sockhook::net
