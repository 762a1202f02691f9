// MemoryWatch: how full the memory of this process's container is (contract 2, `ready.memory`).
//
// Reads the cgroup's limit and use (v2, else v1) once a second; without a limit it is never short.
// Page cache that the kernel can take back does not count.
//
// Owner: the Control. Thread: the control loop's.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sockhook {

class MemoryWatch {
 public:
  static constexpr uint64_t kIntervalMs = 1000;

  // `root` is where the cgroup file systems are mounted; tests give their own.
  explicit MemoryWatch(std::string root = "/sys/fs/cgroup");

  // Used share of the limit in percent; nothing without a limit.
  std::optional<unsigned> used_percent() const;

 private:
  std::optional<uint64_t> read_number(const std::string& file) const;
  std::optional<uint64_t> read_stat(const std::string& file, const std::string& key) const;

  const std::string root_;
};

}  // namespace sockhook
