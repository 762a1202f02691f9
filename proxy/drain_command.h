// `sockhook drain`: asks the node that runs by this config on this machine to drain, as a preStop
// hook does (docs/drain.md). Its admin listener's address and token are the config's.
//
// Blocking, on the thread that calls it: an admin_call, and when it is to wait, one every
// kDrainPollMs until the node has drained or has gone, at most for the time that a drain takes by
// its config and kDrainSlackMs more.

#pragma once

#include <cstdint>

#include "conf/config.h"

namespace sockhook {

inline constexpr unsigned kDrainPollMs = 200;
inline constexpr std::uint64_t kDrainSlackMs = 5000;

// The exit code: kExitFine, or kExitFailed, having said why on stderr.
int drain_node(const conf::Config& config, bool wait);

}  // namespace sockhook
