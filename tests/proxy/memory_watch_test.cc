// How full the container's memory is (contract 2, `ready.memory`).

#include "proxy/memory_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sockhook {
namespace {

class MemoryWatchTest : public ::testing::Test {
 protected:
  MemoryWatchTest() {
    std::string name = (std::filesystem::temp_directory_path() / "memory-watch-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~MemoryWatchTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = root_ / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }
  std::optional<unsigned> used() const { return MemoryWatch(root_.string()).used_percent(); }

  std::filesystem::path root_;
};

TEST_F(MemoryWatchTest, WithoutACgroupThereIsNoLimit) { EXPECT_FALSE(used()); }

TEST_F(MemoryWatchTest, Version2) {
  write("memory.max", "1000");
  write("memory.current", "905");
  EXPECT_EQ(used(), 90U);
}

TEST_F(MemoryWatchTest, Version2WithoutALimit) {
  write("memory.max", "max");
  write("memory.current", "905");
  EXPECT_FALSE(used());
}

TEST_F(MemoryWatchTest, PageCacheThatTheKernelCanTakeBackDoesNotCount) {
  write("memory.max", "1000");
  write("memory.current", "905");
  write("memory.stat", "anon 100\nactive_file 5\ninactive_file 400\nslab 3");
  EXPECT_EQ(used(), 50U);
  write("memory.stat", "inactive_file 2000");
  EXPECT_EQ(used(), 0U);
}

TEST_F(MemoryWatchTest, Version1) {
  write("memory/memory.limit_in_bytes", "2000");
  write("memory/memory.usage_in_bytes", "1500");
  write("memory/memory.stat", "inactive_file 1\ntotal_inactive_file 500");
  EXPECT_EQ(used(), 50U);
}

TEST_F(MemoryWatchTest, Version1SaysNoLimitByAnEnormousOne) {
  write("memory/memory.limit_in_bytes", "9223372036854771712");
  write("memory/memory.usage_in_bytes", "1500");
  EXPECT_FALSE(used());
}

TEST_F(MemoryWatchTest, ALimitOfZeroIsNoDivision) {
  write("memory.max", "0");
  write("memory.current", "1");
  EXPECT_FALSE(used());
}

}  // namespace
}  // namespace sockhook
