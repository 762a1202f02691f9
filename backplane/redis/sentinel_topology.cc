#include "backplane/redis/sentinel_topology.h"

#include <algorithm>

#include "proxy/observe/log.h"

namespace sockhook::redis {
namespace {

LinkSettings sentinel_settings(const conf::Redis::Sentinel& conf) {
  LinkSettings settings;
  settings.password = conf.password;
  settings.name = "sockhook";
  return settings;
}

}  // namespace

SentinelTopology::SentinelTopology(net::Loop& loop, Dialer& dialer,
                                   const conf::Redis::Sentinel& conf, TopologyListener* listener)
    : loop_(loop), settings_(sentinel_settings(conf)), listener_(listener) {
  for (const conf::HostPort& node : conf.nodes) {
    sentinels_.push_back(std::make_unique<SentinelLink>(loop, dialer, node, settings_, conf.master,
                                                        static_cast<SentinelListener*>(this)));
  }
}

void SentinelTopology::start() {
  for (const auto& sentinel : sentinels_) sentinel->start();
  loop_.deadlines().arm(ask_, kPeriodMs);
}

void SentinelTopology::stop() {
  ask_.cancel();
  for (const auto& sentinel : sentinels_) sentinel->stop();
}

bool SentinelTopology::is_stopped() const {
  return std::all_of(sentinels_.begin(), sentinels_.end(),
                     [](const auto& sentinel) { return sentinel->is_stopped(); });
}

void SentinelTopology::refresh(const conf::HostPort* /*authority*/) {
  if (ask_.is_armed() && ask_.due_ms() <= loop_.now_ms() + kAskMs) return;
  loop_.deadlines().arm(ask_, kAskMs);
}

void SentinelTopology::on_deadline(net::Deadline& /*deadline*/) {
  for (const auto& sentinel : sentinels_) sentinel->ask();
  loop_.deadlines().arm(ask_, kPeriodMs);
}

std::size_t SentinelTopology::votes_for(const conf::HostPort& address) const {
  return static_cast<std::size_t>(
      std::count_if(sentinels_.begin(), sentinels_.end(),
                    [&](const auto& sentinel) { return sentinel->opinion() == address; }));
}

std::optional<conf::HostPort> SentinelTopology::choose() const {
  std::optional<conf::HostPort> best = master_;
  for (const auto& sentinel : sentinels_) {
    if (!sentinel->opinion()) continue;
    if (!best || votes_for(*sentinel->opinion()) > votes_for(*best)) best = sentinel->opinion();
  }
  return best;
}

void SentinelTopology::on_opinion(SentinelLink& /*sentinel*/) {
  const std::optional<conf::HostPort> best = choose();
  if (best) use(*best);
}

void SentinelTopology::on_switch(SentinelLink& sentinel) {
  for (const auto& other : sentinels_) {
    if (other.get() != &sentinel) other->forget();
  }
  use(*sentinel.opinion());
}

void SentinelTopology::use(const conf::HostPort& master) {
  if (master_ == master) return;
  master_ = master;
  observe::LogLine(observe::Level::kInfo, "redis master")
      .field("server", master.host + ':' + std::to_string(master.port));
  listener_->on_map({master});
}

void SentinelTopology::on_sentinel_stopped() {
  if (is_stopped()) listener_->on_topology_stopped();
}

}  // namespace sockhook::redis
