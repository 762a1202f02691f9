#include "proxy/drain.h"

#include <utility>

#include "proxy/observe/log.h"

namespace sockhook {

using observe::Level;
using observe::LogLine;

bool Drain::on_signal() {
  if (std::exchange(has_signal_, true)) return false;
  if (phase_ == Phase::kServing) begin();
  end_if_drained();
  return true;
}

void Drain::request() {
  if (phase_ == Phase::kServing) begin();
}

void Drain::begin() {
  LogLine(Level::kInfo, "draining")
      .field("delay_ms", std::int64_t{settings_.delay.count()})
      .field("period_ms", std::int64_t{settings_.period.count()});
  phase_ = Phase::kWaiting;
  owner_->on_drain_begun();
  loop_.deadlines().arm(deadline_, static_cast<std::uint64_t>(settings_.delay.count()));
}

void Drain::on_replaced() {
  is_replaced_ = true;
  if (phase_ == Phase::kServing) owner_->on_drain_begun();
  if (phase_ <= Phase::kWaiting) close(0);
  end_if_drained();
}

void Drain::close(std::uint64_t period_ms) {
  phase_ = Phase::kClosing;
  owner_->close_connections(period_ms);
  loop_.deadlines().arm(deadline_, period_ms + kGraceMs);
}

void Drain::on_deadline(net::Deadline&) {
  if (phase_ == Phase::kWaiting) {
    close(static_cast<std::uint64_t>(settings_.period.count()));
  } else {
    phase_ = Phase::kGivingUp;
    LogLine(Level::kWarn, "drain took too long: giving up what is left");
    owner_->give_up_connections();
  }
}

void Drain::on_worker_drained() {
  if (--workers_left_ > 0) return;
  phase_ = Phase::kDrained;
  deadline_.cancel();
  LogLine(Level::kInfo, "drained");
  end_if_drained();
}

void Drain::end_if_drained() {
  const bool is_to_end = has_signal_ || is_replaced_;
  if (phase_ != Phase::kDrained || !is_to_end || std::exchange(has_ended_, true)) return;
  owner_->on_drained();
}

}  // namespace sockhook
