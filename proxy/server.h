// Server: the whole program while it serves: opens the sockets, owns the Node, the Control and the
// Workers, and ends when they have drained.

#pragma once

#include <memory>
#include <vector>

#include "conf/config.h"
#include "proxy/keys/issuer_table.h"
#include "proxy/tls_contexts.h"

namespace sockhook {

// What the files that a config names were read into.
struct ServedFiles {
  TlsContexts tls;
  keys::IssuerTable issuers;
};

// Serves until a signal has drained the node. Returns the program's exit code.
int serve(const std::shared_ptr<const conf::Config>& config, ServedFiles files);

}  // namespace sockhook
