// LoopPulse: proof that a loop turns, and how late it is.
//
// A deadline that comes back every kIntervalMs notes the time and its own lateness in the loop's
// metrics. /healthz looks at the notes of all loops: one that has not turned for kDeadMs hangs.
//
// Owner: a Worker or the Control. Thread: its loop's; loops_turn() any.

#pragma once

#include <cstdint>

#include "proxy/net/loop.h"
#include "proxy/observe/metrics.h"

namespace sockhook::observe {

class LoopPulse final : public net::DeadlineListener {
 public:
  static constexpr uint64_t kIntervalMs = 200;
  static constexpr int64_t kDeadMs = 1000;

  // Beats from construction to destruction, which must come before the loop is closed.
  LoopPulse(net::Loop& loop, Gauge& lag_us, Gauge& pulse_at_ms);

 private:
  void beat();
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  Gauge& lag_us_;
  Gauge& pulse_at_ms_;
  net::Deadline next_{this};
};

// True while every loop that `metrics` has a shard for has turned within kDeadMs.
bool loops_turn(const Metrics& metrics);

}  // namespace sockhook::observe
