#include "conf/cpu_limit.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

namespace sockhook::conf {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

std::optional<double> ratio(std::string_view quota, std::string_view period) {
  const auto parse = [](std::string_view text) -> long long {
    long long value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc{} && result.ptr == text.data() + text.size() ? value : 0;
  };
  const long long quota_us = parse(trim(quota));
  const long long period_us = parse(trim(period));
  if (quota_us <= 0 || period_us <= 0) return std::nullopt;
  return static_cast<double>(quota_us) / static_cast<double>(period_us);
}

void take_smaller(std::optional<double>* least, std::optional<double> other) {
  if (other && (!*least || *other < **least)) *least = other;
}

// Calls `visit` with the directories of `path` and its parents below `root`. In a container the
// path may name directories of the host that cannot be seen; the root is then the container's own.
template <typename Visit>
void visit_upwards(const std::string& root, std::string path, Visit visit) {
  while (path.size() > 1) {
    visit(root + path);
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  visit(root);
}

std::optional<std::string> read_whole_file(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) return std::nullopt;
  std::ostringstream content;
  content << stream.rdbuf();
  return std::move(content).str();
}

unsigned affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
  return std::thread::hardware_concurrency();  // more CPUs than a cpu_set_t has
}

}  // namespace

std::optional<double> parse_cgroup2_quota(std::string_view cpu_max) {
  const std::size_t space = cpu_max.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return ratio(cpu_max.substr(0, space), cpu_max.substr(space + 1));
}

std::optional<double> parse_cgroup1_quota(std::string_view quota, std::string_view period) {
  return ratio(quota, period);
}

CgroupPaths parse_proc_cgroup(std::string_view text) {
  CgroupPaths paths;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string controllers =
        "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    if (controllers == ",,") paths.v2 = line.substr(second + 1);
    if (controllers.find(",cpu,") != std::string::npos) paths.v1_cpu = line.substr(second + 1);
  }
  return paths;
}

std::optional<double> cgroup_quota(const ReadFile& read_file) {
  const CgroupPaths paths = parse_proc_cgroup(read_file("/proc/self/cgroup").value_or(""));
  std::optional<double> least;
  if (paths.v2) {
    visit_upwards("/sys/fs/cgroup", *paths.v2, [&](const std::string& directory) {
      const auto cpu_max = read_file(directory + "/cpu.max");
      if (cpu_max) take_smaller(&least, parse_cgroup2_quota(*cpu_max));
    });
  }
  if (paths.v1_cpu) {
    visit_upwards("/sys/fs/cgroup/cpu", *paths.v1_cpu, [&](const std::string& directory) {
      const auto quota = read_file(directory + "/cpu.cfs_quota_us");
      const auto period = read_file(directory + "/cpu.cfs_period_us");
      if (quota && period) take_smaller(&least, parse_cgroup1_quota(*quota, *period));
    });
  }
  return least;
}

unsigned cpus_from(std::optional<double> quota, unsigned affinity) {
  const double cpus = std::max(1U, affinity);
  return static_cast<unsigned>(quota ? std::clamp(std::ceil(*quota), 1.0, cpus) : cpus);
}

unsigned available_cpus() { return cpus_from(cgroup_quota(read_whole_file), affinity()); }

}  // namespace sockhook::conf
