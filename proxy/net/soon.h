// Soon: what is to happen once the event under way has been dealt with, before the loop waits for
// the next one: one write for all that was said in between, an answer that must not come from
// inside the call that asked.
//
// Embedded in whoever has something to do; in the order of arming. One that is armed again while
// it runs runs again after the loop has looked at its sockets.
//
// Owner of the queue: the Loop. Thread: the loop's.

#pragma once

#include <uv.h>

namespace sockhook::net {

class Soon;
class SoonQueue;

class SoonListener {
 public:
  // No longer armed; it may be armed again, or destroyed with its owner.
  virtual void on_soon(Soon& soon) = 0;

 protected:
  ~SoonListener() = default;
};

// Destroying it cancels it.
class Soon {
 public:
  explicit Soon(SoonListener* listener) : listener_(listener) {}
  ~Soon() { cancel(); }
  Soon(const Soon&) = delete;
  Soon& operator=(const Soon&) = delete;

  void cancel();
  bool is_armed() const { return next_ != nullptr; }

 private:
  friend class SoonQueue;
  Soon* prev_ = nullptr;
  Soon* next_ = nullptr;
  SoonListener* listener_;
};

class SoonQueue {
 public:
  explicit SoonQueue(uv_loop_t* loop);
  SoonQueue(const SoonQueue&) = delete;
  SoonQueue& operator=(const SoonQueue&) = delete;

  // Nothing happens if it is armed already.
  void arm(Soon& soon);
  // Closes the handle; nothing runs any more.
  void close();

 private:
  void run();

  uv_idle_t idle_;  // while it is active the loop does not wait
  Soon head_{nullptr};
  bool is_closed_ = false;
};

}  // namespace sockhook::net
