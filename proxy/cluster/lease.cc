#include "proxy/cluster/lease.h"

#include <utility>

namespace sockhook::cluster {

void Lease::granted(std::uint64_t until_ms) {
  if (state_ == State::kLost) return;
  const bool was_cut_off = std::exchange(state_, State::kHeld) == State::kCutOff;
  until_ms_ = until_ms;
  ok_until_ms_ = until_ms;
  const std::uint64_t now_ms = loop_.now_ms();
  loop_.deadlines().arm(deadline_, until_ms > now_ms ? until_ms - now_ms : 0);
  listener_->on_lease_confirmed();
  if (was_cut_off && fences_) listener_->on_back();
}

void Lease::on_link_down() {
  is_linked_ = false;
  if (state_ != State::kHeld) return;
  if (loop_.now_ms() < until_ms_) {
    if (!fences_) cut_off();
  } else {
    loop_.deadlines().arm(deadline_, kReturnMs);
  }
}

// With a link that works the next heartbeat tells.
void Lease::on_deadline(net::Deadline&) {
  if (state_ == State::kHeld && !is_linked_) cut_off();
}

void Lease::cut_off() {
  state_ = State::kCutOff;
  deadline_.cancel();
  if (fences_) return listener_->on_cut_off();
  ok_until_ms_ = UINT64_MAX;
  listener_->on_lease_confirmed();
}

void Lease::lost() {
  if (std::exchange(state_, State::kLost) == State::kCutOff && fences_) listener_->on_back();
  ok_until_ms_ = 0;
  deadline_.cancel();
}

void Lease::begin_life() {
  state_ = State::kNone;
  ok_until_ms_ = UINT64_MAX;
}

}  // namespace sockhook::cluster
