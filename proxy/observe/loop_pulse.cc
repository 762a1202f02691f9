#include "proxy/observe/loop_pulse.h"

#include <algorithm>

namespace sockhook::observe {
namespace {

// One clock for all threads, unlike a loop's, which stands still while the loop hangs.
int64_t monotonic_ms() { return static_cast<int64_t>(uv_hrtime() / 1'000'000); }

}  // namespace

LoopPulse::LoopPulse(net::Loop& loop, Gauge& lag_us, Gauge& pulse_at_ms)
    : loop_(loop), lag_us_(lag_us), pulse_at_ms_(pulse_at_ms) {
  beat();
}

void LoopPulse::beat() {
  pulse_at_ms_.set(monotonic_ms());
  loop_.deadlines().arm(next_, kIntervalMs);
}

void LoopPulse::on_deadline(net::Deadline&) {
  // The wheel may be one tick late by design.
  constexpr auto kExpectedMs = static_cast<int64_t>(kIntervalMs + net::DeadlineWheel::kTickMs);
  const int64_t late_ms = monotonic_ms() - pulse_at_ms_.value() - kExpectedMs;
  lag_us_.set(std::max<int64_t>(late_ms, 0) * 1000);
  beat();
}

bool loops_turn(const Metrics& metrics) {
  const int64_t oldest_ms = monotonic_ms() - LoopPulse::kDeadMs;
  const auto turns = [&](const Gauge& pulse_at_ms) { return pulse_at_ms.value() >= oldest_ms; };
  return turns(metrics.control.pulse_at_ms) &&
         std::all_of(metrics.workers.begin(), metrics.workers.end(),
                     [&](const auto& worker) { return turns(worker->pulse_at_ms); });
}

}  // namespace sockhook::observe
