// CPU time in nanoseconds, by the scheduler's own account (not the clock ticks of /proc/PID/stat).

#pragma once

#include <sys/types.h>

#include <cstdint>

namespace bench {

int64_t own_cpu_ns();
// User and system time of all live threads of a process.
int64_t cpu_ns_of(pid_t process);

}  // namespace bench
