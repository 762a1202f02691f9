// TlsContexts: the certificates and keys that a Config names, read and checked: a context for each
// listener and each backend that speaks TLS.
//
// Made once per Config, before anything is served: a file that cannot be used is a mistake of the
// Config. Any thread.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conf/config.h"
#include "protocol/base/result.h"
#include "proxy/net/tls_context.h"

namespace sockhook {

struct TlsContexts {
  // The error names the key: "listen.public.tls: cannot read the key ...".
  static Result<TlsContexts, std::string> load(const conf::Config& config);

  net::TlsContextPtr public_;                // null: plain
  net::TlsContextPtr management;             // null: plain
  std::vector<net::TlsContextPtr> backends;  // in the Config's order; null: plain
};

}  // namespace sockhook
