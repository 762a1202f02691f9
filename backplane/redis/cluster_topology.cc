#include "backplane/redis/cluster_topology.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "backplane/redis/cluster_slots.h"

namespace sockhook::redis {
namespace {

LinkSettings topology_settings(const conf::Redis& conf) {
  LinkSettings settings;
  settings.user = conf.user;
  settings.password = conf.password;
  settings.name = "sockhook";
  return settings;
}

}  // namespace

ClusterTopology::ClusterTopology(net::Loop& loop, Dialer& dialer, const conf::Redis& conf,
                                 Shard shards, TopologyListener* listener)
    : loop_(loop),
      settings_(topology_settings(conf)),
      shards_(shards),
      listener_(listener),
      nodes_{conf.server},
      link_(loop, dialer, conf.server, settings_, this) {}

void ClusterTopology::start() {
  link_.start();
  loop_.deadlines().arm(ask_, kPeriodMs);
}

void ClusterTopology::stop() {
  ask_.cancel();
  link_.stop();
}

void ClusterTopology::refresh(const conf::HostPort* authority) {
  if (authority != nullptr && *authority != link_.server()) {
    link_.reconnect();  // which turns to another node
    link_.use_server(*authority);
  }
  if (ask_.is_armed() && ask_.due_ms() <= loop_.now_ms() + kAskMs) return;
  loop_.deadlines().arm(ask_, kAskMs);
}

void ClusterTopology::on_deadline(net::Deadline& /*deadline*/) {
  ask();
  loop_.deadlines().arm(ask_, kPeriodMs);
}

void ClusterTopology::ask() {
  if (is_asked_ || !link_.is_ready()) return;
  is_asked_ = true;
  static constexpr std::array<std::string_view, 2> kQuestion = {"CLUSTER", "SLOTS"};
  link_.send(Command(), kQuestion);
}

void ClusterTopology::on_answer(Command /*command*/, const Reply& reply) {
  is_asked_ = false;
  const std::optional<ShardMap> map = read_slots(reply, shards_, link_.server());
  const bool is_useful = map && std::any_of(map->begin(), map->end(),
                                            [](const auto& server) { return server.has_value(); });
  if (!is_useful) {
    link_.break_off(reply.is_error() ? reply.error() : "it knows no slots");
    return;
  }
  remember(*map);
  listener_->on_map(*map);
}

void ClusterTopology::remember(const ShardMap& map) {
  nodes_.resize(1);
  for (const auto& server : map) {
    if (server && std::find(nodes_.begin(), nodes_.end(), *server) == nodes_.end()) {
      nodes_.push_back(*server);
    }
  }
}

void ClusterTopology::on_unanswered(Command /*command*/) { is_asked_ = false; }

void ClusterTopology::on_commands_down(std::string_view /*reason*/) { turn_to_next(); }

void ClusterTopology::turn_to_next() {
  next_ = (next_ + 1) % nodes_.size();
  link_.use_server(nodes_[next_]);
}

}  // namespace sockhook::redis
