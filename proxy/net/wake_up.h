// WakeUp: lets any thread wake a loop.
//
// An eventfd that the loop watches, and not uv_async_t: in libuv 1.44 the woken thread spins until
// uv_async_send() has returned, a thousand pauses and a yield of the CPU for each wake-up on which
// it preempts its waker.
//
// Owner: whoever is woken, on its loop's thread; it calls close() before the loop ends. It outlives
// the threads that call wake(). As long as it is open the loop runs.

#pragma once

#include <uv.h>

namespace sockhook::net {

class Loop;

class WakeUpListener {
 public:
  // At least once after a wake(), once for many; also when there is nothing new.
  virtual void on_wake_up() = 0;

 protected:
  ~WakeUpListener() = default;
};

class WakeUp {
 public:
  WakeUp(Loop& loop, WakeUpListener* listener);
  ~WakeUp();
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  // Any thread. Nothing happens after close().
  void wake();
  void close();

 private:
  void on_readable();

  WakeUpListener* const listener_;
  const int fd_;
  uv_poll_t poll_;
};

}  // namespace sockhook::net
