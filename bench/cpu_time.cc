#include "bench/cpu_time.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

#include "bench/socket.h"

namespace bench {

int64_t own_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

int64_t cpu_ns_of(pid_t process) {
  const std::filesystem::path tasks = "/proc/" + std::to_string(process) + "/task";
  std::error_code error;
  int64_t total = 0;
  for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
    int64_t on_cpu = 0;
    if (std::ifstream(task.path() / "schedstat") >> on_cpu) total += on_cpu;
  }
  if (error) die("no such process: " + std::to_string(process));
  return total;
}

}  // namespace bench
