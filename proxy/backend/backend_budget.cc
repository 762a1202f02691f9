#include "proxy/backend/backend_budget.h"

#include <algorithm>
#include <utility>

namespace sockhook::backend {

BackendBudget::BackendBudget(std::size_t max_connections, std::function<void()> wake)
    : wake_(std::move(wake)), free_(max_connections) {}

bool BackendBudget::acquire() {
  std::lock_guard lock(mutex_);
  if (free_ == 0) return false;
  --free_;
  return true;
}

void BackendBudget::release() {
  {
    std::lock_guard lock(mutex_);
    if (line_.empty()) {
      ++free_;
      return;
    }
    const auto least =
        std::min_element(line_.begin(), line_.end(),
                         [](const Waiter* a, const Waiter* b) { return a->holds_ < b->holds_; });
    (*least)->is_granted_ = true;
    line_.erase(least);
    note_line();
  }
  wake_();
}

void BackendBudget::want(Waiter& waiter, std::size_t holds) {
  {
    std::lock_guard lock(mutex_);
    waiter.holds_ = holds;
    const bool is_in_line = std::find(line_.begin(), line_.end(), &waiter) != line_.end();
    if (!is_in_line && !waiter.is_granted_) {
      if (free_ > 0) {  // released since the waiter's acquire()
        --free_;
        waiter.is_granted_ = true;
      } else {
        line_.push_back(&waiter);
      }
    }
    note_line();
    if (is_in_line) return;
  }
  wake_();  // the waiter for its permit, or others for one that they can spare
}

bool BackendBudget::take_granted(Waiter& waiter) {
  std::lock_guard lock(mutex_);
  return std::exchange(waiter.is_granted_, false);
}

void BackendBudget::unwant(Waiter& waiter) {
  bool was_granted = false;
  {
    std::lock_guard lock(mutex_);
    was_granted = std::exchange(waiter.is_granted_, false);
    std::erase(line_, &waiter);
    note_line();
  }
  if (was_granted) release();
}

bool BackendBudget::should_yield(std::size_t holds, bool has_use_for_it) const {
  const std::size_t least = least_held_.load(std::memory_order_relaxed);
  if (least == kNobody) return false;
  return !has_use_for_it || least == 0 || holds > least + 1;
}

void BackendBudget::note_line() {
  std::size_t least = kNobody;
  for (const Waiter* waiter : line_) least = std::min(least, waiter->holds_);
  least_held_.store(least, std::memory_order_relaxed);
}

}  // namespace sockhook::backend
