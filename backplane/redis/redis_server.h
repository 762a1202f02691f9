// RedisServer: the two links to one server, commands and messages, which come and go together.
//
// Owner: the RedisClient, which destroys it when it is_stopped(). Thread: the loop's.

#pragma once

#include "backplane/redis/command_link.h"
#include "backplane/redis/subscriber_link.h"

namespace sockhook::redis {

struct RedisServer {
  RedisServer(net::Loop& loop, Dialer& dialer, const conf::HostPort& server,
              const LinkSettings& settings, SubscriberLink::Kind kind,
              CommandLinkOwner* commands_owner, SubscriberLinkOwner* messages_owner)
      : address(server),
        commands(loop, dialer, server, settings, commands_owner),
        messages(loop, dialer, server, settings, kind, messages_owner) {
    commands.start();
    messages.start();
  }

  void stop() {
    commands.stop();
    messages.stop();
  }
  void reconnect() {
    commands.reconnect();
    messages.reconnect();
  }
  bool is_stopped() const { return commands.is_stopped() && messages.is_stopped(); }

  const conf::HostPort address;
  CommandLink commands;
  SubscriberLink messages;
};

}  // namespace sockhook::redis
