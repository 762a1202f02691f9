#include "proxy/net/wake_up.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "protocol/base/check.h"
#include "proxy/net/loop.h"

namespace sockhook::net {

WakeUp::WakeUp(Loop& loop, WakeUpListener* listener)
    : listener_(listener), fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  SOCKHOOK_CHECK(fd_ >= 0 && uv_poll_init(loop.uv(), &poll_, fd_) == 0);
  poll_.data = this;
  SOCKHOOK_CHECK(uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
                   static_cast<WakeUp*>(poll->data)->on_readable();
                 }) == 0);
}

WakeUp::~WakeUp() { ::close(fd_); }

void WakeUp::wake() {
  const eventfd_t one = 1;
  // Fails only when it was written 2^64 times without being read.
  [[maybe_unused]] const int result = ::eventfd_write(fd_, one);
}

void WakeUp::close() { uv_close(reinterpret_cast<uv_handle_t*>(&poll_), nullptr); }

void WakeUp::on_readable() {
  // What there is to do comes before the system call; what came before that call, after it.
  listener_->on_wake_up();
  eventfd_t times = 0;
  if (::eventfd_read(fd_, &times) != 0) return;
  if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&poll_)) == 0) listener_->on_wake_up();
}

}  // namespace sockhook::net
