// SubscriberLink: channels of one server and what is published on them (see RedisLink).
//
// A channel is wanted from subscribe() to unsubscribe(), across all connections. It is heard from
// the server's confirmation until the link breaks or the server takes it away: a Cluster does that
// without being asked when the slot moves (`sunsubscribe`). What it takes away or refuses is told
// by on_refused, and asked for again by retry() or with the next connection.
//
// Owner: a RedisServer or a topology; it destroys the link only after on_subscriber_stopped (or
// before start). Thread: the loop's. on_subscriber_down may come from inside reconnect() and
// stop(); the other events come from the loop.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "backplane/redis/redis_link.h"

namespace sockhook::redis {

class SubscriberLink;

class SubscriberLinkOwner {
 public:
  // Connected; the channels are being asked for.
  virtual void on_subscriber_up() = 0;
  virtual void on_heard(const std::string& channel) = 0;
  // `error` is the server's, or empty where it has taken the channel away.
  virtual void on_refused(SubscriberLink& link, const std::string& channel, const Reply& error) = 0;
  virtual void on_message(const std::string& channel, std::string_view payload) = 0;
  // No channel is heard any more.
  virtual void on_subscriber_down(std::string_view reason) = 0;
  virtual void on_subscriber_stopped() = 0;

 protected:
  ~SubscriberLinkOwner() = default;
};

class SubscriberLink final : private RedisLinkOwner {
 public:
  // Sharded: SSUBSCRIBE, of Redis Cluster 7.
  enum class Kind : std::uint8_t { kPlain, kSharded };

  SubscriberLink(net::Loop& loop, Dialer& dialer, conf::HostPort server,
                 const LinkSettings& settings, Kind kind, SubscriberLinkOwner* owner);

  void start() { link_.start(); }
  void stop() { link_.stop(); }
  void reconnect() { link_.reconnect(); }

  bool is_stopped() const { return link_.is_stopped(); }
  bool is_ready() const { return link_.is_ready(); }
  bool is_heard(std::string_view channel) const;
  // The next connection comes after the back-off.
  void break_off(std::string_view reason) { link_.break_off(reason); }

  void subscribe(std::string_view channel);
  void unsubscribe(std::string_view channel);
  // Asks again for what was refused.
  void retry();

 private:
  enum class Channel : std::uint8_t { kSilent, kAsked, kHeard };
  struct Request {
    bool is_subscribe;
    std::string channel;
  };

  void ask(bool is_subscribe, const std::string& channel);
  bool on_confirmation(std::string_view kind, const std::string& channel);
  bool on_error(const Reply& reply);
  void on_link_ready() override;
  bool on_link_reply(Reply& reply) override;
  void on_link_down(std::string_view reason) override;
  void on_link_stopped() override { owner_->on_subscriber_stopped(); }

  RedisLink link_;
  const Kind kind_;
  SubscriberLinkOwner* const owner_;
  std::map<std::string, Channel, std::less<>> channels_;  // those that are wanted
  std::deque<Request> requests_;                          // not confirmed yet
};

}  // namespace sockhook::redis
