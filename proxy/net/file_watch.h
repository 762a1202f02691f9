// FileWatch: tells when any of some files has become another one: written to, replaced by a rename,
// or behind a symbolic link that was turned, as Kubernetes does with a mounted Secret or ConfigMap.
//
// It looks at them every second (stat, in libuv's thread pool: a slow file system does not hold up
// the loop), and tells of a change once it has stood still for one more look: within 2 s to 3 s. A
// file that is being written, or a pair of which one half is there, is not told as long as it goes
// on changing; one who takes longer over it is told of twice. A file that cannot be looked at
// counts as missing, and coming and going are changes.
//
// What was read is compared with what is there: whoever reads takes the FilePrints *before*, so
// that a change in between is told, too.
//
// Owner: whoever listens; it may be destroyed at any time, inside on_files_changed too, while its
// loop runs. Thread: the loop's. Limit: none for the files; one look is under way at a time.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/net/loop.h"

namespace sockhook::net {

// What a file was in one moment, as far as stat can tell. Any thread.
struct FilePrint {
  // Follows symbolic links. Blocks: for start-up, and where the file is read at once anyway.
  static FilePrint of(std::string path);
  static std::vector<FilePrint> of_all(const std::vector<std::string>& paths);

  bool operator==(const FilePrint&) const = default;

  std::string path;
  bool is_missing = true;
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t modified_ns = 0;  // of the contents
  int64_t changed_ns = 0;   // of the inode: also where a copy has kept the former
};

class FileWatchListener {
 public:
  // From the loop. The watch knows them as they are now: it tells of the next change.
  virtual void on_files_changed() = 0;

 protected:
  ~FileWatchListener() = default;
};

class FileWatch final : private DeadlineListener {
 public:
  static constexpr uint64_t kIntervalMs = 1000;

  FileWatch(Loop& loop, FileWatchListener* listener, uint64_t interval_ms = kIntervalMs)
      : loop_(loop), listener_(listener), interval_ms_(interval_ms) {}
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // From now on these, which were read as `known`; none: it stands still.
  void watch(std::vector<FilePrint> known);

 private:
  struct Look;

  void on_deadline(Deadline& deadline) override;
  void on_looked(std::vector<FilePrint> seen);
  void forget_look();

  Loop& loop_;
  FileWatchListener* listener_;
  const uint64_t interval_ms_;
  Deadline deadline_{this};
  std::vector<FilePrint> known_;
  std::vector<FilePrint> seen_;  // by the last look
  Look* look_ = nullptr;         // owned by libuv while it is under way
};

}  // namespace sockhook::net
