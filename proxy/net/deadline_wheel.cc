#include "proxy/net/deadline_wheel.h"

#include <algorithm>

#include "protocol/base/check.h"

namespace sockhook::net {

void Deadline::cancel() {
  if (next_ == nullptr) return;
  prev_->next_ = next_;
  next_->prev_ = prev_;
  prev_ = next_ = nullptr;
}

DeadlineWheel::DeadlineWheel(uv_loop_t* loop) : loop_(loop) {
  SOCKHOOK_CHECK(uv_timer_init(loop, &timer_) == 0);
  timer_.data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(&timer_));
  for (SlotHead& head : slots_) head.prev_ = head.next_ = &head;
  last_tick_ = uv_now(loop) / kTickMs;
}

void DeadlineWheel::arm(Deadline& deadline, uint64_t delay_ms) {
  deadline.cancel();
  deadline.due_ms_ = uv_now(loop_) + delay_ms;
  // Rounded up: a deadline never fires early.
  const uint64_t tick = std::max(deadline.due_ms_ / kTickMs + 1, last_tick_ + 1);
  Deadline& head = slots_[tick % kSlots];
  deadline.prev_ = head.prev_;
  deadline.next_ = &head;
  head.prev_->next_ = &deadline;
  head.prev_ = &deadline;
  if (scheduled_tick_ == 0 || tick < scheduled_tick_) schedule();
}

void DeadlineWheel::close() {
  scheduled_tick_ = UINT64_MAX;
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
}

void DeadlineWheel::on_tick() {
  const uint64_t now_ms = uv_now(loop_);
  const uint64_t now_tick = now_ms / kTickMs;
  scheduled_tick_ = 0;
  // After a long pause each slot is still visited once only.
  const uint64_t first = std::max(last_tick_ + 1, now_tick >= kSlots ? now_tick - kSlots + 1 : 0);
  for (uint64_t tick = first; tick <= now_tick; ++tick) {
    last_tick_ = tick;
    fire_slot(tick, now_ms);
  }
  if (scheduled_tick_ == 0) schedule();
}

void DeadlineWheel::fire_slot(uint64_t tick, uint64_t now_ms) {
  SlotHead& head = slots_[tick % kSlots];
  // Listeners may arm and cancel any deadline: the slot's list is moved aside and taken one by one,
  // and what is re-armed lands in a list again, never in the one being walked.
  SlotHead due;
  due.prev_ = due.next_ = &due;
  for (Deadline* entry = head.next_; entry != &head;) {
    Deadline* next = entry->next_;
    if (entry->due_ms_ <= now_ms) {
      entry->cancel();
      entry->prev_ = due.prev_;
      entry->next_ = &due;
      due.prev_->next_ = entry;
      due.prev_ = entry;
    }
    entry = next;
  }
  while (due.next_ != &due) {
    Deadline* entry = due.next_;
    entry->cancel();
    entry->listener_->on_deadline(*entry);
  }
  due.prev_ = due.next_ = nullptr;
}

// Sleeps until the next slot that holds anything, at most one turn of the wheel.
void DeadlineWheel::schedule() {
  if (scheduled_tick_ == UINT64_MAX) return;
  for (uint64_t tick = last_tick_ + 1; tick <= last_tick_ + kSlots; ++tick) {
    const SlotHead& head = slots_[tick % kSlots];
    if (head.next_ == &head) continue;
    const uint64_t now_ms = uv_now(loop_);
    const uint64_t at_ms = tick * kTickMs;
    scheduled_tick_ = tick;
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<DeadlineWheel*>(timer->data)->on_tick(); },
        at_ms > now_ms ? at_ms - now_ms : 0, 0);
    return;
  }
  uv_timer_stop(&timer_);
}

}  // namespace sockhook::net
