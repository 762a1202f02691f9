#include "tests/drain/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>

#include "bench/socket.h"

namespace drain_load {

int64_t now_ms() { return bench::now_ns() / 1'000'000; }

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

void EventLoop::watch(int fd, uint32_t events, int operation, Watched* watched) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = watched;
  if (epoll_ctl(epoll_, operation, fd, &event) != 0) bench::die("epoll_ctl");
}

void EventLoop::after(int64_t ms, std::function<void()> action) {
  timers_.push({now_ms() + ms, ++timers_made_, std::move(action)});
}

void EventLoop::turn() {
  constexpr int kLongestMs = 100;
  int wait_ms = kLongestMs;
  if (!timers_.empty()) {
    const int64_t left_ms = timers_.top().due_ms - now_ms();
    wait_ms = static_cast<int>(std::clamp<int64_t>(left_ms, 0, kLongestMs));
  }
  // One at a time: an event may end what another one is for.
  epoll_event event{};
  constexpr int kMostEvents = 1000;
  for (int i = 0; i < kMostEvents && epoll_wait(epoll_, &event, 1, i == 0 ? wait_ms : 0) > 0; ++i) {
    static_cast<Watched*>(event.data.ptr)->on_ready(event.events);
  }
  const int64_t now = now_ms();
  while (!timers_.empty() && timers_.top().due_ms <= now) {
    const std::function<void()> action = timers_.top().action;
    timers_.pop();
    action();
  }
}

}  // namespace drain_load
