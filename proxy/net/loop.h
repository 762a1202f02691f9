// Loop: one libuv loop with what everything on it shares: the read buffer, the deadlines, what is
// to happen soon, the clock.
//
// Owner: a Worker or the Control. Thread: the one that calls run(); `assert_thread` guards it.

#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

#include "protocol/base/check.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/soon.h"

namespace sockhook::net {

struct TlsBuffers;

class Loop {
 public:
  // One read buffer serves every connection of the loop: no connection owns one.
  static constexpr std::size_t kReadBufferBytes = 64 * 1024;

  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  uv_loop_t* uv() { return &loop_; }
  DeadlineWheel& deadlines() { return deadlines_; }
  SoonQueue& soon() { return soon_; }

  // Makes the calling thread the loop's: the one that sets things up, and then runs it.
  void adopt() { thread_ = std::this_thread::get_id(); }
  // Runs until no handle is left.
  void run();
  // Closes the loop's own handles; run() returns when all others are closed too.
  void close();

  // Monotonic milliseconds, as of the start of this loop turn.
  uint64_t now_ms() const { return uv_now(&loop_); }
  // Wall-clock milliseconds since the epoch.
  static int64_t wall_ms();

  // Valid until the next read on this loop. Followed by slack that parsers may read past the data.
  char* read_buffer() { return read_buffer_.get(); }
  TlsBuffers& tls_buffers();

  void assert_thread() const { SOCKHOOK_CHECK(thread_ == std::this_thread::get_id()); }

 private:
  uv_loop_t loop_;
  DeadlineWheel deadlines_;
  SoonQueue soon_;
  std::unique_ptr<char[]> read_buffer_;
  std::unique_ptr<TlsBuffers> tls_buffers_;
  std::thread::id thread_;
};

}  // namespace sockhook::net
