// RedisClient: Redis or Valkey as the backplane sees it: shards that take commands and carry
// messages. Whether one server, Sentinel or a Cluster stands behind them is hidden here.
//
//   Shards   Keys and channels of shard k carry its tag, "{k}" (tag()), so that they lie in one
//   slot
//            and on one server. One shard, or kClusterShards of them in a Cluster. A command of a
//            Cluster must name such a key where Redis looks for it (a script: in KEYS), or a
//            server that the shard has left would not notice.
//   Order    Commands of one shard are executed in the order of the calls, or not at all; they are
//            written together at the end of the loop's turn. Different shards are independent.
//   Delivery Each command is answered exactly once, from the loop, never from inside a call:
//              kAnswered  it was executed; the reply may be an error of Redis' (say, FENCED)
//              kNotSent   it was certainly not executed: no link, no room, a script that Redis had
//                         forgotten (it is loaded again), a slot under way to another server, a
//                         server that is loading or a replica
//              kUnknown   the link broke, or kCommandMs passed, before it was answered
//            A command is never sent twice unless Redis said that it has not executed it.
//   Messages Of a channel, in the order in which Redis published them, while the shard is up.
//            on_resubscribed(shard) says that what was published before may have been missed.
//   Failure  A link on which one deadline passes is rebuilt (RedisLink tells how); the shards
//            behind it are down meanwhile. Nothing is queued while a shard is down.
//   Limits   Those of RedisLink and ReplyReader.
//
// Owner: the Redis backplane, which destroys it only after on_stopped (or before start). Thread:
// the control loop's, every call and every event.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/redis/command.h"
#include "backplane/redis/redis_server.h"
#include "backplane/redis/topology.h"
#include "conf/config.h"
#include "proxy/net/loop.h"

namespace sockhook::redis {

class RedisClientListener {
 public:
  // `payload` is valid during the call. May come before on_up, as soon as the channel is heard.
  virtual void on_message(Shard shard, std::string_view channel, std::string_view payload) = 0;
  // All channels of the shard are heard (again): the first time, and after each gap.
  virtual void on_resubscribed(Shard shard) = 0;
  // All shards take commands, and all their channels are heard. After the on_resubscribed. A new
  // channel is a short on_down.
  virtual void on_up() = 0;
  // That was true and is no longer; shards that are up still take commands.
  virtual void on_down() = 0;
  // Everything is closed; no event follows.
  virtual void on_stopped() = 0;

 protected:
  ~RedisClientListener() = default;
};

class RedisClient final : private CommandLinkOwner,
                          private SubscriberLinkOwner,
                          private TopologyListener,
                          private net::DeadlineListener,
                          private net::SoonListener {
 public:
  static constexpr std::uint64_t kCommandMs = RedisLink::kCommandMs;
  static constexpr Shard kClusterShards = 16;
  // Between two requests for a channel that was refused.
  static constexpr std::uint64_t kRetryMs = 100;

  // `scripts`: Lua sources, loaded at each connect and run by their index. `name`: what CLIENT LIST
  // calls the connections (no spaces).
  RedisClient(net::Loop& loop, const conf::Redis& conf, std::vector<std::string> scripts,
              std::string name, RedisClientListener* listener);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // Connects, and keeps connecting. Once.
  void start();
  // Closes everything. Commands under way are answered (kUnknown), then on_stopped() comes.
  void stop();
  // Closes all links and connects anew at once: for a link that looks healthy but is not.
  void restart();

  Shard shards() const { return static_cast<Shard>(shards_.size()); }
  // "{3}".
  static std::string tag(Shard shard);
  // What a script publishes with: "PUBLISH", in a Cluster "SPUBLISH".
  std::string_view publish_command() const;
  // Whether all shards, or this one, take commands and hear their channels.
  bool is_up() const;
  bool is_up(Shard shard) const;

  // `listener` may be null: then nobody is told.
  void command(Shard shard, Arguments arguments, Ticket ticket, CommandListener* listener);
  // EVALSHA of a script of the constructor's.
  void run_script(Shard shard, std::size_t script, Arguments keys, Arguments arguments,
                  Ticket ticket, CommandListener* listener);

  // Channels, with prefix and tag, that the listener hears from now on, across all reconnects.
  // Those of a stopped or not yet started client too.
  void subscribe(Shard shard, std::string_view channel);
  void unsubscribe(Shard shard, std::string_view channel);

 private:
  struct ShardState {
    RedisServer* server = nullptr;  // that owns its slot; null: none is known
    std::set<std::string, std::less<>> channels;
    std::uint64_t commands = 0;  // the number of the last one
    std::size_t detours = 0;     // under way
    bool is_heard = false;       // and the listener knows
  };
  struct Unsent {
    Ticket ticket;
    CommandListener* listener;
    Fate fate;
    std::string reason;
  };

  bool is_heard(const ShardState& shard) const;
  void fail(const Command& command, Fate fate, std::string_view reason);
  bool redirect(Command& command, const Reply& reply);
  bool repeat(Command& command, RedisServer& server);
  RedisServer& server_at(const conf::HostPort& address);
  void assign(Shard shard, RedisServer* server);
  void retire_idle_servers();
  void refresh(const conf::HostPort* authority = nullptr);
  void note_changes();
  void tell_failures();
  void tell_changes();

  void on_map(const ShardMap& map) override;
  void on_topology_stopped() override { note_changes(); }
  void on_commands_up() override { note_changes(); }
  void on_answer(Command command, const Reply& reply) override;
  void on_unanswered(Command command) override;
  void on_commands_down(std::string_view reason) override;
  void on_commands_stopped() override { note_changes(); }
  void on_subscriber_up() override { note_changes(); }
  void on_heard(const std::string& channel) override;
  void on_refused(SubscriberLink& link, const std::string& channel, const Reply& error) override;
  void on_message(const std::string& channel, std::string_view payload) override;
  void on_subscriber_down(std::string_view reason) override;
  void on_subscriber_stopped() override { note_changes(); }
  void on_deadline(net::Deadline& deadline) override;
  void on_soon(net::Soon& soon) override;

  net::Loop& loop_;
  const conf::Redis conf_;
  const LinkSettings settings_;
  Dialer dialer_;
  RedisClientListener* const listener_;

  std::vector<ShardState> shards_;
  std::map<std::string, Shard, std::less<>> channels_;
  std::vector<std::unique_ptr<RedisServer>> servers_;
  std::vector<std::unique_ptr<RedisServer>> retired_;  // until they are stopped
  std::unique_ptr<Topology> topology_;                 // null: one server, which never changes
  std::vector<Unsent> unsent_;                         // of this loop turn
  bool is_up_ = false;                                 // as the listener knows it
  bool was_down_ = false;                              // since then
  bool is_stopping_ = false;
  bool is_stopped_ = true;
  net::Deadline retry_{this};  // of channels that were refused
  net::Soon soon_{this};
};

}  // namespace sockhook::redis
