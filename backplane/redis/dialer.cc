#include "backplane/redis/dialer.h"

#include <utility>

#include "proxy/net/socket_stream.h"
#include "proxy/net/tls_stream.h"
#include "proxy/observe/log.h"

namespace sockhook::redis {

Dialer::Dialer(net::Loop& loop, const conf::Redis& conf)
    : loop_(loop), is_tls_(conf.tls), authority_(conf.tls_ca) {
  if (is_tls_) load_authority();
}

// What cannot be used does not take the place of what could.
void Dialer::load_authority() {
  net::FilePrint print;
  if (authority_) print = net::FilePrint::of(*authority_);
  if (tls_ && print == print_) return;
  print_ = std::move(print);
  conf::ClientTls tls;
  tls.ca = authority_;
  auto context = net::TlsContext::client(tls, net::TlsContext::Alpn::kNone);
  if (context) {
    tls_ = std::move(*context);
    return;
  }
  failure_ = context.error();
  if (!tls_) return;
  observe::LogLine(observe::Level::kWarn, "the authority of Redis was not reloaded")
      .field("error", failure_);
}

std::unique_ptr<net::ConnectableStream> Dialer::make(const net::SocketAddress& address,
                                                     const std::string& host,
                                                     net::StreamListener* listener) {
  if (!is_tls_) return std::make_unique<net::SocketStream>(loop_, address.is_unix(), listener);
  load_authority();
  if (!tls_) return nullptr;
  auto socket = std::make_unique<net::SocketStream>(loop_, address.is_unix(), nullptr);
  return net::TlsStream::client(loop_, tls_, host, std::move(socket), listener);
}

}  // namespace sockhook::redis
