// How many CPUs this process may use: the default of node.workers.
//
// A container's quota (cgroup v2 cpu.max, v1 cpu.cfs_quota_us) first, then the CPUs that the
// process may be scheduled on; at least 1. The parsing is pure and tested with strings.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sockhook::conf {

// "max 100000", "150000 100000": CPUs, or nullopt for no limit or a malformed text.
std::optional<double> parse_cgroup2_quota(std::string_view cpu_max);
// cpu.cfs_quota_us (-1: none) and cpu.cfs_period_us.
std::optional<double> parse_cgroup1_quota(std::string_view quota, std::string_view period);

// Where this process stands, of /proc/self/cgroup: "0::/a/b" for v2, "4:cpu,cpuacct:/a/b" for v1.
struct CgroupPaths {
  std::optional<std::string> v2;
  std::optional<std::string> v1_cpu;
};
CgroupPaths parse_proc_cgroup(std::string_view text);

// The content of a file; nullopt: there is none.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;

// The smallest quota of the process's cgroup and its parents, as far as they can be seen.
std::optional<double> cgroup_quota(const ReadFile& read_file);

// Quotas are rounded up, since a fraction of a CPU is better used than left.
unsigned cpus_from(std::optional<double> quota, unsigned affinity);

unsigned available_cpus();

}  // namespace sockhook::conf
