// EventLoop: one epoll and one heap of timers, for a crowd of sockets on one thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace drain_load {

// The clock of CLOCK_MONOTONIC, which Python's time.monotonic() is too.
int64_t now_ms();

class Watched {
 public:
  virtual void on_ready(uint32_t events) = 0;

 protected:
  ~Watched() = default;
};

class EventLoop {
 public:
  EventLoop();

  void watch(int fd, uint32_t events, int operation, Watched* watched) const;
  // There is no way to cancel: `action` must bear that its time has gone.
  void after(int64_t ms, std::function<void()> action);
  void turn();

 private:
  struct Timer {
    int64_t due_ms;
    uint64_t number;
    std::function<void()> action;
    bool operator<(const Timer& other) const {
      return due_ms > other.due_ms || (due_ms == other.due_ms && number > other.number);
    }
  };

  int epoll_;
  uint64_t timers_made_ = 0;
  std::priority_queue<Timer> timers_;
};

}  // namespace drain_load
