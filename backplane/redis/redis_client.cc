#include "backplane/redis/redis_client.h"

#include <algorithm>
#include <utility>

#include "backplane/redis/cluster_slots.h"
#include "backplane/redis/cluster_topology.h"
#include "backplane/redis/sentinel_topology.h"
#include "protocol/base/check.h"

namespace sockhook::redis {
namespace {

LinkSettings link_settings(const conf::Redis& conf, std::vector<std::string> scripts,
                           std::string name) {
  LinkSettings settings;
  settings.user = conf.user;
  settings.password = conf.password;
  settings.database = conf.database;
  settings.name = std::move(name);
  settings.must_be_master = true;
  settings.must_be_in_cluster = conf.cluster;
  settings.scripts = std::move(scripts);
  return settings;
}

// Redis says that it has not executed the command.
bool is_refusal(const Reply& reply) {
  static constexpr std::string_view kCodes[] = {"NOSCRIPT",    "READONLY", "LOADING", "MASTERDOWN",
                                                "CLUSTERDOWN", "MOVED",    "ASK",     "TRYAGAIN"};
  return reply.is_error() && std::any_of(std::begin(kCodes), std::end(kCodes),
                                         [&](auto code) { return reply.is_error(code); });
}

}  // namespace

RedisClient::RedisClient(net::Loop& loop, const conf::Redis& conf, std::vector<std::string> scripts,
                         std::string name, RedisClientListener* listener)
    : loop_(loop),
      conf_(conf),
      settings_(link_settings(conf, std::move(scripts), std::move(name))),
      dialer_(loop, conf),
      listener_(listener),
      shards_(conf.cluster ? kClusterShards : 1) {
  TopologyListener* const self = this;
  if (conf.cluster) {
    topology_ = std::make_unique<ClusterTopology>(loop, dialer_, conf, kClusterShards, self);
  } else if (conf.sentinel) {
    topology_ = std::make_unique<SentinelTopology>(loop, dialer_, *conf.sentinel, self);
  }
}

RedisClient::~RedisClient() { SOCKHOOK_CHECK(is_stopped_); }

// ---- what the owner asks

void RedisClient::start() {
  loop_.assert_thread();
  SOCKHOOK_CHECK(is_stopped_ && !is_stopping_);
  is_stopped_ = false;
  if (topology_) {
    topology_->start();
  } else {
    assign(0, &server_at(conf_.server));
  }
}

void RedisClient::stop() {
  loop_.assert_thread();
  if (is_stopping_ || is_stopped_) return;
  is_stopping_ = true;
  retry_.cancel();
  if (topology_) topology_->stop();
  for (Shard shard = 0; shard < shards(); ++shard) assign(shard, nullptr);
  retire_idle_servers();
}

void RedisClient::restart() {
  loop_.assert_thread();
  for (const auto& server : servers_) server->reconnect();
  refresh();
}

std::string RedisClient::tag(Shard shard) { return '{' + std::to_string(shard) + '}'; }

std::string_view RedisClient::publish_command() const {
  return conf_.cluster ? "SPUBLISH" : "PUBLISH";
}

bool RedisClient::is_up() const {
  for (Shard shard = 0; shard < shards(); ++shard) {
    if (!is_up(shard)) return false;
  }
  return true;
}

bool RedisClient::is_up(Shard shard) const {
  const ShardState& state = shards_.at(shard);
  return is_heard(state) && state.server->commands.is_ready();
}

bool RedisClient::is_heard(const ShardState& shard) const {
  return shard.server != nullptr && shard.server->messages.is_ready() &&
         std::all_of(shard.channels.begin(), shard.channels.end(),
                     [&](const auto& channel) { return shard.server->messages.is_heard(channel); });
}

void RedisClient::subscribe(Shard shard, std::string_view channel) {
  loop_.assert_thread();
  ShardState& state = shards_.at(shard);
  if (!state.channels.emplace(channel).second) return;
  channels_.emplace(channel, shard);
  if (state.server != nullptr) state.server->messages.subscribe(channel);
  note_changes();
}

void RedisClient::unsubscribe(Shard shard, std::string_view channel) {
  loop_.assert_thread();
  ShardState& state = shards_.at(shard);
  const auto known = state.channels.find(channel);
  if (known == state.channels.end()) return;
  if (state.server != nullptr) state.server->messages.unsubscribe(channel);
  channels_.erase(channels_.find(channel));
  state.channels.erase(known);
  note_changes();
}

// ---- commands

void RedisClient::command(Shard shard, Arguments arguments, Ticket ticket,
                          CommandListener* listener) {
  loop_.assert_thread();
  ShardState& state = shards_.at(shard);
  Command command{shard, ++state.commands, ticket, listener, {}, false, false};
  if (state.server == nullptr || !state.server->commands.is_ready()) {
    fail(command, Fate::kNotSent, "LINK no connection");
    return;
  }
  CommandLink& link = state.server->commands;
  if (state.detours > 0) {
    fail(command, Fate::kNotSent, "LINK the shard is moving");
  } else if (!link.has_room(command_bytes(arguments))) {
    fail(command, Fate::kNotSent, "LINK too many commands under way");
  } else if (conf_.cluster) {
    append_command(command.encoded, arguments);
    link.send_encoded(std::move(command));
  } else {
    link.send(std::move(command), arguments);
  }
}

void RedisClient::run_script(Shard shard, std::size_t script, Arguments keys, Arguments arguments,
                             Ticket ticket, CommandListener* listener) {
  const RedisServer* const server = shards_.at(shard).server;
  std::string_view id;  // of a link that is ready; else the command fails anyhow
  if (server != nullptr && server->commands.is_ready()) id = server->commands.script_id(script);
  const std::string key_count = std::to_string(keys.size());
  std::vector<std::string_view> all;
  all.reserve(3 + keys.size() + arguments.size());
  all.insert(all.end(), {"EVALSHA", id, key_count});
  all.insert(all.end(), keys.begin(), keys.end());
  all.insert(all.end(), arguments.begin(), arguments.end());
  command(shard, all, ticket, listener);
}

void RedisClient::fail(const Command& command, Fate fate, std::string_view reason) {
  if (command.listener == nullptr) return;
  unsent_.push_back({command.ticket, command.listener, fate, std::string(reason)});
  loop_.soon().arm(soon_);
}

void RedisClient::on_unanswered(Command command) {
  if (command.is_detour) --shards_[command.shard].detours;
  fail(command, Fate::kUnknown, "LINK lost before the answer");
}

void RedisClient::on_answer(Command command, const Reply& reply) {
  if (command.is_detour) --shards_[command.shard].detours;
  if (conf_.cluster && !is_stopping_ && redirect(command, reply)) return;
  if (command.listener == nullptr) return;
  const Fate fate = is_refusal(reply) ? Fate::kNotSent : Fate::kAnswered;
  command.listener->on_reply(command.ticket, fate, reply);
}

// ---- a Cluster's redirections

// True if the command is under way again.
bool RedisClient::redirect(Command& command, const Reply& reply) {
  const bool has_moved = reply.is_error("MOVED");
  if (!has_moved && !reply.is_error("ASK")) return false;
  ShardState& shard = shards_[command.shard];
  const conf::HostPort asked = shard.server != nullptr ? shard.server->address : conf_.server;
  const std::optional<conf::HostPort> target = read_redirection(reply, asked);
  if (!target) return false;
  RedisServer& server = server_at(*target);
  if (has_moved) {
    assign(command.shard, &server);
    refresh(&*target);
  }
  command.is_detour = !has_moved;
  return repeat(command, server);
}

// Only where no later command of the shard can have been executed, and once.
bool RedisClient::repeat(Command& command, RedisServer& server) {
  ShardState& shard = shards_[command.shard];
  if (command.is_repeated || command.number != shard.commands) return false;
  if (!server.commands.is_ready() || !server.commands.has_room(command.encoded.size()))
    return false;
  command.is_repeated = true;
  if (command.is_detour) ++shard.detours;
  server.commands.send_encoded(std::move(command));
  return true;
}

// ---- servers and shards

RedisServer& RedisClient::server_at(const conf::HostPort& address) {
  for (const auto& server : servers_) {
    if (server->address == address) return *server;
  }
  const auto kind = conf_.cluster ? SubscriberLink::Kind::kSharded : SubscriberLink::Kind::kPlain;
  servers_.push_back(std::make_unique<RedisServer>(loop_, dialer_, address, settings_, kind,
                                                   static_cast<CommandLinkOwner*>(this),
                                                   static_cast<SubscriberLinkOwner*>(this)));
  return *servers_.back();
}

void RedisClient::assign(Shard shard, RedisServer* server) {
  ShardState& state = shards_[shard];
  if (state.server == server) return;
  for (const std::string& channel : state.channels) {
    if (state.server != nullptr) state.server->messages.unsubscribe(channel);
    if (server != nullptr) server->messages.subscribe(channel);
  }
  state.server = server;
  note_changes();
}

void RedisClient::retire_idle_servers() {
  const auto is_used = [&](const std::unique_ptr<RedisServer>& server) {
    return std::any_of(shards_.begin(), shards_.end(),
                       [&](const ShardState& shard) { return shard.server == server.get(); });
  };
  const auto idle = std::stable_partition(servers_.begin(), servers_.end(), is_used);
  std::move(idle, servers_.end(), std::back_inserter(retired_));
  servers_.erase(idle, servers_.end());
  for (const auto& server : retired_) server->stop();
  note_changes();
}

void RedisClient::on_map(const ShardMap& map) {
  if (is_stopping_) return;
  for (Shard shard = 0; shard < shards(); ++shard) {
    assign(shard, map[shard] ? &server_at(*map[shard]) : nullptr);
  }
  retire_idle_servers();
}

void RedisClient::refresh(const conf::HostPort* authority) {
  if (topology_ && !is_stopping_) topology_->refresh(authority);
}

// ---- messages

void RedisClient::on_message(const std::string& channel, std::string_view payload) {
  const auto known = channels_.find(channel);
  if (known != channels_.end()) listener_->on_message(known->second, channel, payload);
}

void RedisClient::on_heard(const std::string& /*channel*/) { note_changes(); }

void RedisClient::on_refused(SubscriberLink& link, const std::string& channel, const Reply& error) {
  note_changes();
  if (is_stopping_) return;
  if (conf_.cluster && (error.is_nil() || error.is_error("MOVED"))) {
    refresh();
    loop_.deadlines().arm(retry_, kRetryMs);
    return;
  }
  link.break_off(channel + ": " + std::string(error.error()));
}

void RedisClient::on_deadline(net::Deadline& /*deadline*/) {
  for (const auto& server : servers_) server->messages.retry();
}

// ---- what the listener is told

void RedisClient::on_commands_down(std::string_view /*reason*/) {
  note_changes();
  refresh();
}

void RedisClient::on_subscriber_down(std::string_view /*reason*/) {
  note_changes();
  refresh();
}

// Now, since it may be over when the listener can be told.
void RedisClient::note_changes() {
  for (ShardState& shard : shards_) {
    if (!is_heard(shard)) shard.is_heard = false;
  }
  if (is_up_ && !is_up()) was_down_ = true;
  loop_.soon().arm(soon_);
}

void RedisClient::on_soon(net::Soon& /*soon*/) {
  std::erase_if(retired_, [](const auto& server) { return server->is_stopped(); });
  tell_failures();
  if (!is_stopping_) {
    tell_changes();
  } else if (!is_stopped_ && retired_.empty() && unsent_.empty() &&
             (!topology_ || topology_->is_stopped())) {
    is_stopped_ = true;
    listener_->on_stopped();
  }
}

void RedisClient::tell_failures() {
  std::vector<Unsent> unsent;
  unsent.swap(unsent_);
  for (const Unsent& command : unsent) {
    command.listener->on_reply(command.ticket, command.fate, Reply(Reply::Error{command.reason}));
  }
}

void RedisClient::tell_changes() {
  if (was_down_) {
    was_down_ = false;
    is_up_ = false;
    listener_->on_down();
  }
  for (Shard shard = 0; shard < shards(); ++shard) {
    if (shards_[shard].is_heard || !is_heard(shards_[shard])) continue;
    shards_[shard].is_heard = true;
    listener_->on_resubscribed(shard);
  }
  if (!is_up_ && is_up()) {
    is_up_ = true;
    listener_->on_up();
  }
}

}  // namespace sockhook::redis
