#include "proxy/backend/address_set.h"

#include <algorithm>

namespace sockhook::backend {

void AddressSet::update(std::size_t url, const std::vector<net::SocketAddress>& addresses) {
  std::vector<AddressPtr> before;
  before.swap(addresses_);
  for (const AddressPtr& known : before) {
    const bool stays = known->url != url || std::find(addresses.begin(), addresses.end(),
                                                      known->address) != addresses.end();
    known->is_listed = stays;
    if (stays) addresses_.push_back(known);
  }
  for (const net::SocketAddress& address : addresses) {
    const bool is_known = std::any_of(
        addresses_.begin(), addresses_.end(),
        [&](const AddressPtr& known) { return known->url == url && known->address == address; });
    if (is_known) continue;
    addresses_.push_back(std::make_shared<BackendAddress>());
    addresses_.back()->address = address;
    addresses_.back()->url = url;
  }
}

AddressPtr AddressSet::choose(uint64_t now_ms, const std::vector<AddressPtr>& tried) {
  const AddressPtr* best = nullptr;
  const AddressPtr* best_out = nullptr;
  const std::size_t count = addresses_.size();
  const std::size_t start = next_;
  if (count > 0) next_ = (next_ + 1) % count;
  for (std::size_t i = 0; i < count; ++i) {
    const AddressPtr& candidate = addresses_[(start + i) % count];
    if (std::find(tried.begin(), tried.end(), candidate) != tried.end()) continue;
    if (candidate->is_out && !has_health_checks_ && now_ms >= candidate->retry_at_ms) {
      // One request finds out; the others stay away until it has.
      candidate->retry_delay_ms = std::min(candidate->retry_delay_ms * 2, kMaxRetryMs);
      candidate->retry_at_ms = now_ms + candidate->retry_delay_ms;
      return candidate;
    }
    const AddressPtr*& slot = candidate->is_out ? best_out : best;
    if (slot == nullptr || candidate->in_flight < (*slot)->in_flight) slot = &candidate;
  }
  if (best == nullptr) best = best_out;
  return best != nullptr ? *best : nullptr;
}

void AddressSet::on_good(BackendAddress& address) {
  address.failures = 0;
  address.is_out = false;
}

void AddressSet::on_failed(BackendAddress& address, uint64_t now_ms) {
  if (++address.failures < kFailuresOut || address.is_out) return;
  address.is_out = true;
  address.retry_delay_ms = kFirstRetryMs;
  address.retry_at_ms = now_ms + kFirstRetryMs;
}

}  // namespace sockhook::backend
