// BackendDialer: makes the streams to one backend's addresses: sockets, or TLS over them for
// https:// URLs. The certificate must be for `tls.server_name`, or else for the URL's host.
//
// Owner: a BackendPool. Thread: its worker's.

#pragma once

#include <memory>
#include <utility>

#include "conf/config.h"
#include "proxy/backend/address_set.h"
#include "proxy/net/connectable_stream.h"
#include "proxy/net/loop.h"
#include "proxy/net/tls_context.h"

namespace sockhook::backend {

class BackendDialer {
 public:
  // `backend` outlives the dialer. `tls` is given if its URLs are https.
  BackendDialer(net::Loop& loop, const conf::Backend& backend, net::TlsContextPtr tls);

  // For the streams that are made from now on.
  void use_tls(net::TlsContextPtr tls) { tls_ = std::move(tls); }

  // A stream without a listener; its user connects it to `address.address`.
  std::unique_ptr<net::ConnectableStream> make(const BackendAddress& address) const;
  // Says in the log what TLS has against an address that could not be connected.
  void log_failure(const BackendAddress& address, const net::Stream& stream) const;

 private:
  net::Loop& loop_;
  const conf::Backend& backend_;
  net::TlsContextPtr tls_;
};

}  // namespace sockhook::backend
