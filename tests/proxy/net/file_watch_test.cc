#include "proxy/net/file_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/loop_runner.h"

namespace sockhook::net {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kIntervalMs = 20;
constexpr int kSeveralLooksMs = 10 * kIntervalMs;

struct Recorder : FileWatchListener {
  void on_files_changed() override {
    ++changes;
    if (when_changed) when_changed();
  }
  int changes = 0;
  std::function<void()> when_changed;
};

class FileWatchTest : public ::testing::Test {
 protected:
  FileWatchTest() {
    std::string name = (fs::temp_directory_path() / "file_watch.XXXXXX").string();
    directory = ::mkdtemp(name.data());
  }
  ~FileWatchTest() override { fs::remove_all(directory); }

  std::string path(const std::string& name) const { return (directory / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((directory / name).parent_path());
    std::ofstream(directory / name) << text;
  }
  // Watches what `names` are now.
  void watch(const std::vector<std::string>& names) {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(path(name));
    file_watch->watch(FilePrint::of_all(paths));
  }
  bool is_told(int changes) {
    return runner.run_until([&] { return recorder.changes >= changes; });
  }
  int told_meanwhile() {
    runner.run_for(kSeveralLooksMs);
    return recorder.changes;
  }

  fs::path directory;
  testing::LoopRunner runner;
  Recorder recorder;
  std::unique_ptr<FileWatch> file_watch =
      std::make_unique<FileWatch>(runner.loop(), &recorder, kIntervalMs);
};

TEST_F(FileWatchTest, TellsOnceOfEachChangeOfAny) {
  write("one", "1");
  write("two", "2");
  watch({"one", "two"});
  EXPECT_EQ(told_meanwhile(), 0);
  write("two", "3");
  ASSERT_TRUE(is_told(1));
  write("one", "4");
  ASSERT_TRUE(is_told(2));
  EXPECT_EQ(told_meanwhile(), 2);
}

TEST_F(FileWatchTest, TellsOfAFileThatWasRenamedOverItAsLargeAndAsOld) {
  write("key", "old");
  write("fresh", "new");
  fs::last_write_time(path("fresh"), fs::last_write_time(path("key")));
  watch({"key"});
  fs::rename(path("fresh"), path("key"));
  EXPECT_TRUE(is_told(1));
}

// As Kubernetes does it: file -> ..data/file, ..data -> a directory, which is swapped.
TEST_F(FileWatchTest, TellsOfASymbolicLinkThatWasTurned) {
  write("v1/tls.crt", "old");
  write("v2/tls.crt", "new");
  fs::create_directory_symlink("v1", path("..data"));
  fs::create_symlink("..data/tls.crt", path("tls.crt"));
  watch({"tls.crt"});
  fs::create_directory_symlink("v2", path("..data_tmp"));
  fs::rename(path("..data_tmp"), path("..data"));
  EXPECT_TRUE(is_told(1));
}

TEST_F(FileWatchTest, WaitsWhileAFileGoesOnChanging) {
  write("key", "");
  watch({"key"});
  // Each look finds it larger: it never stands still.
  std::atomic<bool> is_writing{true};
  std::string text;
  std::thread writer([&, file = path("key")] {
    while (is_writing) {
      std::ofstream(file) << (text += 'x');
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const int told = told_meanwhile();
  is_writing = false;
  writer.join();
  EXPECT_EQ(told, 0);
  EXPECT_TRUE(is_told(1));
}

TEST_F(FileWatchTest, AFileThatGoesAndComesChanges) {
  watch({"key"});
  EXPECT_EQ(told_meanwhile(), 0);
  write("key", "1");
  ASSERT_TRUE(is_told(1));
  fs::remove(path("key"));
  EXPECT_TRUE(is_told(2));
}

TEST_F(FileWatchTest, TellsOfAChangeBetweenReadingAndWatching) {
  write("key", "1");
  auto known = FilePrint::of_all({path("key")});
  write("key", "12");
  file_watch->watch(std::move(known));
  EXPECT_TRUE(is_told(1));
}

TEST_F(FileWatchTest, WatchesOthersFromThenOn) {
  write("one", "1");
  write("two", "2");
  watch({"one"});
  watch({"two"});
  write("one", "12");
  EXPECT_EQ(told_meanwhile(), 0);
  write("two", "22");
  ASSERT_TRUE(is_told(1));
  file_watch->watch({});
  write("two", "222");
  EXPECT_EQ(told_meanwhile(), 1);
}

TEST_F(FileWatchTest, MayBeDestroyedDuringALookAndByWhatItTells) {
  write("key", "1");
  watch({"key"});
  // The look has begun, but the loop has not heard of it.
  std::this_thread::sleep_for(std::chrono::milliseconds(2 * kIntervalMs));
  uv_run(runner.loop().uv(), UV_RUN_NOWAIT);
  file_watch = std::make_unique<FileWatch>(runner.loop(), &recorder, kIntervalMs);
  watch({"key"});
  recorder.when_changed = [&] { file_watch.reset(); };
  write("key", "12");
  EXPECT_TRUE(is_told(1));
  EXPECT_EQ(told_meanwhile(), 1);
}

}  // namespace
}  // namespace sockhook::net
