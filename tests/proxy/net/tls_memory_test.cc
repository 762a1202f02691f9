// What an idle TLS stream costs.

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <list>

#include "tests/proxy/net/tls_rig.h"

namespace sockhook::net {
namespace {

using testing::TlsPeer;

// The floor of OpenSSL 3.0 is about 14 KB.
TEST_F(TlsWireTest, AnIdleConnectionHasNoBuffers) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  constexpr std::size_t kConnections = 200;
  const TlsContextPtr context = server_context();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    std::list<TlsRig> wires;
    for (std::size_t i = 0; i < kConnections; ++i) {
      TlsRig& wire = wires.emplace_back(
          runner, context, std::make_unique<TlsPeer>(TlsPeer::Role::kClient, [&](SSL_CTX* client) {
            SSL_CTX_set_max_proto_version(client, version);
          }));
      wire.side.stream->start_reading();
      wire.run();
      wire.peer->write("hello");
      wire.side.stream->write(std::string(5000, 'x'), {});
      wire.run();
      ASSERT_EQ(wire.side.received, "hello");
    }
    const std::size_t before = ::mallinfo2().uordblks;
    for (TlsRig& wire : wires) wire.close();
    const std::size_t bytes = (before - ::mallinfo2().uordblks) / kConnections;
    std::printf("%zu bytes for an idle connection (%s)\n", bytes,
                version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2");
    EXPECT_LT(bytes, 16U * 1024);
  }
}

}  // namespace
}  // namespace sockhook::net
