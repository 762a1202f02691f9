#include "proxy/net/file_watch.h"

#include <sys/stat.h>

#include <memory>
#include <utility>

namespace sockhook::net {
namespace {

int64_t to_ns(const timespec& time) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  return int64_t{time.tv_sec} * kNsPerSecond + time.tv_nsec;
}

std::vector<std::string> paths_of(const std::vector<FilePrint>& prints) {
  std::vector<std::string> paths;
  paths.reserve(prints.size());
  for (const FilePrint& print : prints) paths.push_back(print.path);
  return paths;
}

}  // namespace

FilePrint FilePrint::of(std::string path) {
  FilePrint print;
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) {
    print.is_missing = false;
    print.device = found.st_dev;
    print.inode = found.st_ino;
    print.size = static_cast<uint64_t>(found.st_size);
    print.modified_ns = to_ns(found.st_mtim);
    print.changed_ns = to_ns(found.st_ctim);
  }
  print.path = std::move(path);
  return print;
}

std::vector<FilePrint> FilePrint::of_all(const std::vector<std::string>& paths) {
  std::vector<FilePrint> prints;
  prints.reserve(paths.size());
  for (const std::string& path : paths) prints.push_back(of(path));
  return prints;
}

struct FileWatch::Look {
  uv_work_t work{};
  FileWatch* watch = nullptr;  // null: nobody asks any more
  std::vector<std::string> paths;
  std::vector<FilePrint> seen;  // the pool's thread writes it
};

FileWatch::~FileWatch() { forget_look(); }

void FileWatch::watch(std::vector<FilePrint> known) {
  loop_.assert_thread();
  forget_look();
  known_ = std::move(known);
  seen_ = known_;
  if (known_.empty()) {
    deadline_.cancel();
  } else {
    loop_.deadlines().arm(deadline_, interval_ms_);
  }
}

void FileWatch::forget_look() {
  if (look_ == nullptr) return;
  look_->watch = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&look_->work));
  look_ = nullptr;
}

void FileWatch::on_deadline(Deadline&) {
  auto look = std::make_unique<Look>();
  look->watch = this;
  look->paths = paths_of(known_);
  look->work.data = look.get();
  const auto run = [](uv_work_t* work) {
    auto* running = static_cast<Look*>(work->data);
    running->seen = FilePrint::of_all(running->paths);
  };
  const auto done = [](uv_work_t* work, int) {
    const std::unique_ptr<Look> ended(static_cast<Look*>(work->data));
    if (ended->watch == nullptr) return;
    ended->watch->look_ = nullptr;
    ended->watch->on_looked(std::move(ended->seen));
  };
  SOCKHOOK_CHECK(uv_queue_work(loop_.uv(), &look->work, run, done) == 0);
  look_ = look.release();
}

// May destroy the watch.
void FileWatch::on_looked(std::vector<FilePrint> seen) {
  loop_.deadlines().arm(deadline_, interval_ms_);
  const bool stands_still = seen == seen_;
  seen_ = std::move(seen);
  if (!stands_still || seen_ == known_) return;
  known_ = seen_;
  listener_->on_files_changed();
}

}  // namespace sockhook::net
