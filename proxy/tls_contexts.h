// TlsContexts: the certificates and keys that a Config names, read and checked: a context for each
// listener and each backend that speaks TLS.
//
// Made before anything is served, when a file that cannot be used is a mistake of the Config, and
// by each reload. Any thread; the files are read there and then.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conf/config.h"
#include "protocol/base/result.h"
#include "proxy/net/file_watch.h"
#include "proxy/net/tls_context.h"

namespace sockhook {

struct TlsContexts {
  // The error names the key: "listen.public.tls: cannot read the key ...".
  // `before`: whose place they take, if any (see TlsContext).
  static Result<TlsContexts, std::string> load(const conf::Config& config,
                                               const TlsContexts* before = nullptr);
  // All that load() reads.
  static std::vector<std::string> files_of(const conf::Config& config);

  net::TlsContextPtr public_;                // null: plain
  net::TlsContextPtr management;             // null: plain
  std::vector<net::TlsContextPtr> backends;  // in the Config's order; null: plain
  std::vector<net::FilePrint> files;         // as they were before they were read
};

}  // namespace sockhook
