#include "backplane/redis/dialer.h"

#include <utility>

#include "proxy/net/socket_stream.h"
#include "proxy/net/tls_stream.h"

namespace sockhook::redis {

Dialer::Dialer(net::Loop& loop, const conf::Redis& conf) : loop_(loop), is_tls_(conf.tls) {
  if (!is_tls_) return;
  conf::ClientTls tls;
  tls.ca = conf.tls_ca;
  auto context = net::TlsContext::client(tls, net::TlsContext::Alpn::kNone);
  if (context) {
    tls_ = std::move(*context);
  } else {
    failure_ = context.error();
  }
}

std::unique_ptr<net::ConnectableStream> Dialer::make(const net::SocketAddress& address,
                                                     const std::string& host,
                                                     net::StreamListener* listener) {
  if (!is_tls_) return std::make_unique<net::SocketStream>(loop_, address.is_unix(), listener);
  if (!tls_) return nullptr;
  auto socket = std::make_unique<net::SocketStream>(loop_, address.is_unix(), nullptr);
  return net::TlsStream::client(loop_, tls_, host, std::move(socket), listener);
}

}  // namespace sockhook::redis
