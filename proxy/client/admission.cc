#include "proxy/client/admission.h"

#include <algorithm>

namespace sockhook::client {
namespace {

std::string scoped(const conf::Endpoint& endpoint, std::string_view name) {
  std::string key = endpoint.name;
  key += ' ';
  key += name;
  return key;
}

}  // namespace

Admission::Admission(std::size_t node_connections, std::optional<double> handshakes_per_second)
    : node_cap_(node_connections), handshake_rate_(handshakes_per_second) {
  if (handshake_rate_) handshake_tokens_ = std::max(1.0, *handshake_rate_);
}

bool Admission::welcome_guest() {
  std::lock_guard lock(mutex_);
  return connections_ + ++guests_ <= socket_cap_;
}

void Admission::part_with_guest() {
  std::lock_guard lock(mutex_);
  --guests_;
}

bool Admission::take_handshake(uint64_t now_ms) {
  if (!handshake_rate_) return true;
  std::lock_guard lock(mutex_);
  if (now_ms > handshakes_at_ms_) {
    const double seconds = static_cast<double>(now_ms - handshakes_at_ms_) / 1000.0;
    handshake_tokens_ =
        std::min(handshake_tokens_ + seconds * *handshake_rate_, std::max(1.0, *handshake_rate_));
    handshakes_at_ms_ = now_ms;
  }
  if (handshake_tokens_ < 1.0) return false;
  handshake_tokens_ -= 1.0;
  return true;
}

bool Admission::add(Counts& counts, const std::string& key, std::size_t cap) {
  std::size_t& count = counts[key];
  if (count < cap) {
    ++count;
    return true;
  }
  if (count == 0) counts.erase(key);
  return false;
}

void Admission::subtract(Counts& counts, const std::string& key) {
  const auto entry = counts.find(key);
  if (entry != counts.end() && --entry->second == 0) counts.erase(entry);
}

AdmissionResult Admission::enter(const conf::Endpoint& endpoint, const http::IpAddress& client) {
  const conf::Limits& limits = endpoint.limits;
  std::lock_guard lock(mutex_);
  if (connections_ >= node_cap_) return AdmissionResult::kNodeFull;
  if (limits.connections && !add(by_endpoint_, endpoint.name, *limits.connections)) {
    return AdmissionResult::kEndpointFull;
  }
  if (limits.connections_per_ip &&
      !add(by_address_, scoped(endpoint, client.to_string()), *limits.connections_per_ip)) {
    if (limits.connections) subtract(by_endpoint_, endpoint.name);
    return AdmissionResult::kAddressFull;
  }
  ++connections_;
  return AdmissionResult::kAdmitted;
}

AdmissionResult Admission::enter_user(const conf::Endpoint& endpoint, std::string_view user) {
  const auto& cap = endpoint.limits.connections_per_user;
  if (!cap) return AdmissionResult::kAdmitted;
  std::lock_guard lock(mutex_);
  return add(by_user_, scoped(endpoint, user), *cap) ? AdmissionResult::kAdmitted
                                                     : AdmissionResult::kUserFull;
}

void Admission::leave(const conf::Endpoint& endpoint, const http::IpAddress& client,
                      std::string_view user) {
  const conf::Limits& limits = endpoint.limits;
  std::lock_guard lock(mutex_);
  --connections_;
  if (limits.connections) subtract(by_endpoint_, endpoint.name);
  if (limits.connections_per_ip) subtract(by_address_, scoped(endpoint, client.to_string()));
  if (limits.connections_per_user && !user.empty()) subtract(by_user_, scoped(endpoint, user));
}

std::size_t Admission::connections() const {
  std::lock_guard lock(mutex_);
  return connections_;
}

}  // namespace sockhook::client
