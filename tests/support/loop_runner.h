// LoopRunner: a Loop that a test turns by hand, for a while or until something has happened.

#pragma once

#include <chrono>
#include <thread>

#include "proxy/net/loop.h"

namespace sockhook::testing {

class LoopRunner {
 public:
  // Deadlines alone do not keep a loop alive; this does.
  LoopRunner() {
    uv_prepare_init(loop_.uv(), &keep_alive_);
    uv_prepare_start(&keep_alive_, [](uv_prepare_t*) {});
  }
  ~LoopRunner() {
    uv_close(reinterpret_cast<uv_handle_t*>(&keep_alive_), nullptr);
    loop_.close();
    loop_.run();
  }

  net::Loop& loop() { return loop_; }
  net::DeadlineWheel& deadlines() { return loop_.deadlines(); }

  // True as soon as `condition` holds; false after `limit_ms`.
  template <typename Condition>
  bool run_until(Condition condition, int limit_ms = 2000) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::milliseconds(limit_ms);
    while (!condition()) {
      if (Clock::now() > end) return false;
      uv_run(loop_.uv(), UV_RUN_NOWAIT);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  void run_for(int ms) {
    run_until([] { return false; }, ms);
  }

 private:
  net::Loop loop_;
  uv_prepare_t keep_alive_;
};

}  // namespace sockhook::testing
