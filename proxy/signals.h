// Signals: SIGTERM, SIGINT and SIGHUP as events of a loop. Owner: the Control. Thread: its loop's.

#pragma once

#include <uv.h>

#include <array>
#include <csignal>

#include "proxy/net/loop.h"

namespace sockhook {

class SignalListener {
 public:
  virtual void on_signal(int signal) = 0;

 protected:
  ~SignalListener() = default;
};

class Signals {
 public:
  Signals(net::Loop& loop, SignalListener* listener) : listener_(listener) {
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      SOCKHOOK_CHECK(uv_signal_init(loop.uv(), &handles_[i]) == 0);
      handles_[i].data = this;
      SOCKHOOK_CHECK(uv_signal_start(
                         &handles_[i],
                         [](uv_signal_t* handle, int signal) {
                           static_cast<Signals*>(handle->data)->listener_->on_signal(signal);
                         },
                         kSignals[i]) == 0);
    }
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Once, before the loop ends. From then on signals are ignored: the process is ending already,
  // and the default action would turn a clean exit into a death by signal.
  void close() {
    for (uv_signal_t& handle : handles_) uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
    for (const int signal : kSignals) std::signal(signal, SIG_IGN);
  }

 private:
  static constexpr std::array<int, 3> kSignals = {SIGTERM, SIGINT, SIGHUP};

  SignalListener* listener_;
  std::array<uv_signal_t, kSignals.size()> handles_;
};

}  // namespace sockhook
