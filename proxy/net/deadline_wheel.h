// DeadlineWheel: all deadlines of one loop behind a single libuv timer.
//
// A connection must not cost a timer of its own (152 bytes and a heap node each): a Deadline is
// an intrusive list node of 40 bytes, and arming or cancelling one is a few pointer writes.
// Deadlines are hashed into kSlots lists of kTickMs each; one that is further away than a turn
// stays in its list for another turn. A deadline fires at its time or up to kTickMs later.
//
// Owner: the Loop. Thread: the loop's. With no deadline armed the timer sleeps.

#pragma once

#include <uv.h>

#include <array>
#include <cstdint>

namespace sockhook::net {

class DeadlineWheel;
class Deadline;

class DeadlineListener {
 public:
  // The deadline is no longer armed; it may be armed again, or destroyed with its owner.
  virtual void on_deadline(Deadline& deadline) = 0;

 protected:
  ~DeadlineListener() = default;
};

// Embedded in whoever waits. Destroying it cancels it.
class Deadline {
 public:
  explicit Deadline(DeadlineListener* listener) : listener_(listener) {}
  ~Deadline() { cancel(); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void cancel();
  bool is_armed() const { return next_ != nullptr; }
  // Loop time in milliseconds; meaningful while armed.
  uint64_t due_ms() const { return due_ms_; }

 private:
  friend class DeadlineWheel;
  Deadline* prev_ = nullptr;
  Deadline* next_ = nullptr;
  uint64_t due_ms_ = 0;
  DeadlineListener* listener_;
};

class DeadlineWheel {
 public:
  static constexpr uint64_t kTickMs = 10;
  static constexpr std::size_t kSlots = 1024;

  explicit DeadlineWheel(uv_loop_t* loop);
  DeadlineWheel(const DeadlineWheel&) = delete;
  DeadlineWheel& operator=(const DeadlineWheel&) = delete;

  // (Re-)arms `deadline` to fire in `delay_ms` milliseconds of loop time.
  void arm(Deadline& deadline, uint64_t delay_ms);
  // Closes the timer; called once, before the loop is run for the last time.
  void close();

 private:
  struct SlotHead : Deadline {
    SlotHead() : Deadline(nullptr) {}
  };

  void on_tick();
  void fire_slot(uint64_t tick, uint64_t now_ms);
  void schedule();

  uv_loop_t* loop_;
  uv_timer_t timer_;
  uint64_t last_tick_ = 0;       // every slot up to this tick has been looked at
  uint64_t scheduled_tick_ = 0;  // 0: the timer sleeps
  std::array<SlotHead, kSlots> slots_;
};

}  // namespace sockhook::net
