#include "proxy/webhook/lease_guard.h"

#include "protocol/base/check.h"

namespace sockhook::webhooks {

void ParkedRequest::unpark() {
  if (guard_ == nullptr) return;
  guard_->parked_.erase(place_);
  guard_ = nullptr;
}

bool LeaseGuard::may_send() const {
  if (ok_until_ms_ == nullptr) return true;
  const uint64_t until_ms = ok_until_ms_->load(std::memory_order_relaxed);
  return until_ms == UINT64_MAX || uv_hrtime() / 1'000'000 < until_ms;
}

void LeaseGuard::park(ParkedRequest& request) {
  SOCKHOOK_CHECK(request.guard_ == nullptr);
  request.guard_ = this;
  request.place_ = parked_.insert(parked_.end(), &request);
  if (!look_again_.is_armed()) loop_.deadlines().arm(look_again_, kLookAgainMs);
}

void LeaseGuard::resume() {
  // Not those that park again meanwhile.
  for (std::size_t left = parked_.size(); left > 0 && !parked_.empty(); --left) {
    ParkedRequest& request = *parked_.front();
    request.unpark();
    request.on_lease_confirmed();
  }
}

void LeaseGuard::on_deadline(net::Deadline&) {
  if (may_send()) {
    resume();
  } else if (!parked_.empty()) {
    loop_.deadlines().arm(look_again_, kLookAgainMs);
  }
}

}  // namespace sockhook::webhooks
