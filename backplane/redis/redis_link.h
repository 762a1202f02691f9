// RedisLink: one connection to one server, made again whenever it breaks. What is said on it once
// it is ready is its owner's: a CommandLink or a SubscriberLink.
//
//   kStopped     before start() and after stop()
//   kResting     until the next attempt (BackOff)
//   kResolving   the host's addresses are asked for; a literal one is known
//   kConnecting  to one address after the other
//   kGreeting    the Greeting's commands are under way, within kCommandMs
//   kReady       the owner's
//   kClosing     the stream is closing; kResting or kStopped follows
//
// Resolving may take kConnectMs, and so may each of the first kMaxAddresses addresses.
//
// Each command has one answer, in order; a deadline of kCommandMs that passes breaks the link, as
// do a reply that cannot be read, an end of the stream and break_off(). After kPingMs without a
// byte the link sends a PING of its own, so that a peer that is gone is noticed without traffic. A
// loop that was held up itself looks at its socket before it believes in a missed deadline.
//
// What is sent within one loop turn is one write. Limit: kMaxUnanswered commands and
// kMaxUnansweredBytes; has_room() tells, and the owner refuses what is beyond.
//
// Owner: as above; it destroys the link only after on_link_stopped (or before start). Thread: the
// loop's. on_link_down may come from inside break_off(), reconnect() and stop(), the other events
// come from the loop.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/redis/back_off.h"
#include "backplane/redis/dialer.h"
#include "backplane/redis/greeting.h"
#include "backplane/redis/resp.h"
#include "conf/values.h"
#include "proxy/net/loop.h"
#include "proxy/net/resolver.h"

namespace sockhook::redis {

class RedisLinkOwner {
 public:
  virtual void on_link_ready() = 0;
  // True if it is the answer to the oldest command; false if nobody asked (a message).
  virtual bool on_link_reply(Reply& reply) = 0;
  // The connection, or an attempt at one, is over; what was not answered never will be. The next
  // attempt follows by itself.
  virtual void on_link_down(std::string_view reason) = 0;
  virtual void on_link_stopped() = 0;

 protected:
  ~RedisLinkOwner() = default;
};

class RedisLink final : private net::StreamListener,
                        private net::ConnectListener,
                        private net::ResolveListener,
                        private net::DeadlineListener,
                        private net::SoonListener {
 public:
  static constexpr std::uint64_t kConnectMs = 1'000;
  static constexpr std::size_t kMaxAddresses = 8;
  static constexpr std::uint64_t kCommandMs = 900;
  static constexpr std::uint64_t kPingMs = 1'000;
  // A deadline noticed later than this was missed by the loop, maybe not by the peer.
  static constexpr std::uint64_t kLateMs = 100;
  // A link that lived shorter than this goes on with the back-off of the one before.
  static constexpr std::uint64_t kStableMs = 2'000;
  static constexpr std::size_t kMaxUnanswered = 65'536;
  static constexpr std::size_t kMaxUnansweredBytes = std::size_t{64} << 20U;

  enum class State : std::uint8_t {
    kStopped,
    kResting,
    kResolving,
    kConnecting,
    kGreeting,
    kReady,
    kClosing
  };

  // `kind`: "commands", "messages": for the log.
  RedisLink(net::Loop& loop, Dialer& dialer, conf::HostPort server, const LinkSettings& settings,
            const char* kind, RedisLinkOwner* owner);
  ~RedisLink();
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  void start();
  void stop();
  // Drops the connection, if there is one, and connects at once.
  void reconnect();
  // From the next attempt on.
  void use_server(conf::HostPort server);
  // Drops it and goes on after the back-off.
  void break_off(std::string_view reason);

  bool is_ready() const { return state_ == State::kReady; }
  bool is_stopped() const { return state_ == State::kStopped; }
  const conf::HostPort& server() const { return server_; }

  // While it is ready and has room.
  bool has_room(std::size_t bytes) const;
  void send(Arguments arguments);
  void send_encoded(std::string_view command);
  // What SCRIPT LOAD called the script; while the link is ready.
  const std::string& script_id(std::size_t script) const { return script_ids_[script]; }

 private:
  enum class Asker : std::uint8_t { kGreeting, kPing, kOwner };
  struct Unanswered {
    Asker asker;
    std::uint64_t due_ms;
    std::size_t bytes;
  };

  bool is_talking() const { return state_ == State::kGreeting || state_ == State::kReady; }
  void attempt();
  void connect_next();
  void give_address_up(std::string_view reason);
  void greet();
  void take(Reply& reply);
  void take_greeting(const Reply& reply);
  void expect(Asker asker, std::size_t bytes);
  void answered();
  void check_liveness();
  void ping();
  void fail(std::string_view reason);
  void close(std::string_view reason, std::uint64_t rest_ms);
  void report(std::string_view reason, bool was_ready);
  void become_closed();

  void on_read(std::string_view data) override;
  void on_end(int error) override;
  void on_closed() override;
  void on_connected(int error) override;
  void on_resolved(int error, std::vector<net::SocketAddress> addresses) override;
  void on_deadline(net::Deadline& deadline) override;
  void on_soon(net::Soon& soon) override;

  net::Loop& loop_;
  Dialer& dialer_;
  conf::HostPort server_;
  const LinkSettings& settings_;
  const char* const kind_;
  RedisLinkOwner* const owner_;

  State state_ = State::kStopped;
  bool is_stopping_ = false;
  bool is_overdue_ = false;      // the deadline has passed; the socket is looked at once more
  std::uint64_t rest_ms_ = 0;    // after kClosing
  std::uint64_t ready_ms_ = 0;   // when the link became ready
  std::uint64_t heard_ms_ = 0;   // when the last byte came
  std::string reported_reason_;  // of the failure that was logged last
  BackOff back_off_;

  std::unique_ptr<net::Resolver> resolver_;
  std::vector<net::SocketAddress> addresses_;  // the next one to try stands last
  std::string no_connection_;                  // why, of the address before
  std::unique_ptr<net::ConnectableStream> stream_;
  std::unique_ptr<ReplyReader> reader_;
  Greeting greeting_;
  std::vector<std::string> script_ids_;
  std::string output_;  // of this loop turn
  std::deque<Unanswered> unanswered_;
  std::size_t unanswered_bytes_ = 0;
  net::Deadline alarm_{this};
  net::Soon soon_{this};  // the output, an attempt that need not wait, or the end of kClosing
};

}  // namespace sockhook::redis
