// Server: the whole program while it serves: opens the sockets, owns the Node, the Control and the
// Workers, and ends when they have drained.

#pragma once

#include <memory>
#include <vector>

#include "conf/config.h"
#include "proxy/tls_contexts.h"

namespace sockhook {

// Serves until a signal has drained the node. `tls` is what the config's certificates were read
// into. Returns the program's exit code.
int serve(const std::shared_ptr<const conf::Config>& config, TlsContexts tls);

}  // namespace sockhook
