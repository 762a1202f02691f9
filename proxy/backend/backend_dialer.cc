#include "proxy/backend/backend_dialer.h"

#include <utility>

#include "proxy/net/socket_stream.h"
#include "proxy/net/tls_stream.h"
#include "proxy/observe/log.h"

namespace sockhook::backend {

BackendDialer::BackendDialer(net::Loop& loop, const conf::Backend& backend, net::TlsContextPtr tls)
    : loop_(loop), backend_(backend), tls_(std::move(tls)) {}

std::unique_ptr<net::ConnectableStream> BackendDialer::make(const BackendAddress& address) const {
  auto socket = std::make_unique<net::SocketStream>(loop_, address.address.is_unix(), nullptr);
  if (!tls_) return socket;
  const std::string host = backend_.tls.server_name.value_or(backend_.urls[address.url].host);
  return net::TlsStream::client(loop_, tls_, host, std::move(socket), nullptr);
}

void BackendDialer::log_failure(const BackendAddress& address, const net::Stream& stream) const {
  if (stream.failure().empty()) return;
  observe::LogLine(observe::Level::kWarn, "TLS to a backend failed")
      .field("backend", backend_.name)
      .field("address", address.address.to_string())
      .field("error", stream.failure());
}

}  // namespace sockhook::backend
