// CommandLink: commands to one server, answered in order (see RedisLink).
//
// A server that has forgotten the scripts (NOSCRIPT) is told them again at once. One that is no
// master any more, loads its data, or has lost its Cluster (READONLY, LOADING, MASTERDOWN,
// CLUSTERDOWN) is left: the connection breaks, the next one checks its role.
//
// Owner: a RedisServer or a topology; it destroys the link only after on_commands_stopped (or
// before start). Thread: the loop's. on_commands_down and on_unanswered may come from inside
// reconnect() and stop(); the other events come from the loop.

#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "backplane/redis/command.h"
#include "backplane/redis/redis_link.h"

namespace sockhook::redis {

class CommandLinkOwner {
 public:
  virtual void on_commands_up() = 0;
  virtual void on_answer(Command command, const Reply& reply) = 0;
  // It may have been executed or not.
  virtual void on_unanswered(Command command) = 0;
  // After on_unanswered for each command that was under way.
  virtual void on_commands_down(std::string_view reason) = 0;
  virtual void on_commands_stopped() = 0;

 protected:
  ~CommandLinkOwner() = default;
};

class CommandLink final : private RedisLinkOwner {
 public:
  CommandLink(net::Loop& loop, Dialer& dialer, conf::HostPort server, const LinkSettings& settings,
              CommandLinkOwner* owner);

  void start() { link_.start(); }
  void stop() { link_.stop(); }
  void reconnect() { link_.reconnect(); }
  // For the next connection.
  void use_server(conf::HostPort server) { link_.use_server(std::move(server)); }
  void break_off(std::string_view reason) { link_.break_off(reason); }

  bool is_ready() const { return link_.is_ready(); }
  bool is_stopped() const { return link_.is_stopped(); }
  bool has_room(std::size_t bytes) const { return link_.has_room(bytes); }
  const conf::HostPort& server() const { return link_.server(); }
  const std::string& script_id(std::size_t script) const { return link_.script_id(script); }

  // While it is ready and has room.
  void send(Command command, Arguments arguments);
  // Sends command.encoded, behind ASKING if it is a detour.
  void send_encoded(Command command);

 private:
  // Commands of the link's own stand among the others.
  enum class Asker : std::uint8_t { kOwner, kScripts, kAsking };
  struct Pending {
    Asker asker;
    Command command;
  };

  void on_link_ready() override { owner_->on_commands_up(); }
  bool on_link_reply(Reply& reply) override;
  void on_link_down(std::string_view reason) override;
  void on_link_stopped() override { owner_->on_commands_stopped(); }
  void load_scripts();

  RedisLink link_;
  const LinkSettings& settings_;
  CommandLinkOwner* const owner_;
  std::deque<Pending> pending_;
  std::size_t loading_ = 0;  // scripts that are under way
};

}  // namespace sockhook::redis
