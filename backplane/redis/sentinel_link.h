// SentinelLink: what one sentinel says of who the master is: asked whenever its connection is made
// and by ask(), and told by it as soon as a failover is over (+switch-master).
//
// Owner: the SentinelTopology, which destroys it when it is_stopped(). Thread: the loop's; events
// come from the loop.
//
// Source: https://redis.io/docs/latest/develop/reference/sentinel-clients/

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backplane/redis/command_link.h"
#include "backplane/redis/subscriber_link.h"

namespace sockhook::redis {

class SentinelLink;

class SentinelListener {
 public:
  // Its opinion has changed.
  virtual void on_opinion(SentinelLink& sentinel) = 0;
  // It has just learnt of a failover: `master` is newer than anything said before.
  virtual void on_switch(SentinelLink& sentinel) = 0;
  virtual void on_sentinel_stopped() = 0;

 protected:
  ~SentinelListener() = default;
};

class SentinelLink final : private CommandLinkOwner, private SubscriberLinkOwner {
 public:
  // `master`: its name. `settings`: the sentinels'.
  SentinelLink(net::Loop& loop, Dialer& dialer, const conf::HostPort& sentinel,
               const LinkSettings& settings, const std::string& master, SentinelListener* listener);

  void start();
  void stop();
  bool is_stopped() const { return commands_.is_stopped() && messages_.is_stopped(); }

  // Nothing happens while it is not connected, or has not answered yet.
  void ask();
  // Where it says the master is; empty if it does not say.
  const std::optional<conf::HostPort>& opinion() const { return opinion_; }
  void forget() { opinion_.reset(); }

 private:
  void set_opinion(std::optional<conf::HostPort> opinion);

  void on_commands_up() override { ask(); }
  void on_answer(Command command, const Reply& reply) override;
  void on_unanswered(Command command) override;
  void on_commands_down(std::string_view reason) override;
  void on_commands_stopped() override { listener_->on_sentinel_stopped(); }
  void on_subscriber_up() override {}
  void on_heard(const std::string& channel) override;
  void on_refused(SubscriberLink& link, const std::string& channel, const Reply& error) override;
  void on_message(const std::string& channel, std::string_view payload) override;
  void on_subscriber_down(std::string_view reason) override;
  void on_subscriber_stopped() override { listener_->on_sentinel_stopped(); }

  const std::string master_;
  SentinelListener* const listener_;
  CommandLink commands_;
  SubscriberLink messages_;
  std::optional<conf::HostPort> opinion_;
  bool is_asked_ = false;
};

}  // namespace sockhook::redis
