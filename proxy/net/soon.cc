#include "proxy/net/soon.h"

#include "protocol/base/check.h"

namespace sockhook::net {

void Soon::cancel() {
  if (next_ == nullptr) return;
  prev_->next_ = next_;
  next_->prev_ = prev_;
  prev_ = next_ = nullptr;
}

SoonQueue::SoonQueue(uv_loop_t* loop) {
  SOCKHOOK_CHECK(uv_idle_init(loop, &idle_) == 0);
  idle_.data = this;
  head_.prev_ = head_.next_ = &head_;
}

void SoonQueue::arm(Soon& soon) {
  if (soon.is_armed() || is_closed_) return;
  soon.prev_ = head_.prev_;
  soon.next_ = &head_;
  head_.prev_->next_ = &soon;
  head_.prev_ = &soon;
  uv_idle_start(&idle_, [](uv_idle_t* idle) { static_cast<SoonQueue*>(idle->data)->run(); });
}

void SoonQueue::close() {
  is_closed_ = true;
  while (head_.next_ != &head_) head_.next_->cancel();
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), nullptr);
}

void SoonQueue::run() {
  Soon last(nullptr);  // what is armed from now on stands behind it
  arm(last);
  while (head_.next_ != &last) {
    Soon* const soon = head_.next_;
    soon->cancel();
    soon->listener_->on_soon(*soon);
    if (is_closed_) return;
  }
  last.cancel();
  if (head_.next_ == &head_) uv_idle_stop(&idle_);
}

}  // namespace sockhook::net
