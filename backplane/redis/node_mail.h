// NodeMail: messages from node to node.
//
// A send to many is one script: it looks up who is there, numbers the message for each receiver,
// publishes it and says who heard. A send to one node that was alive at the last heartbeat needs no
// script, which would cost Redis ten times what publishing does: it is published at once, numbered
// by the sender. If nobody hears it, a script says whether the node is gone or deaf. To one that is
// not known to be alive it is a script as well.
// What goes to one node takes the receiver's home shard, what goes to a name the name's, what goes
// to all the sender's: so each keeps its order. The receiver compares numbers for each sender,
// shard and way of numbering; a gap it tells the sender, whose on_lost names the tickets concerned.
// A number that is not larger than the last: Redis came back without its numbers; they start over.
//
// Limits
//   kMaxPayloadBytes  of a message; a larger one is not sent (kUnavailable)
//   kMaxRecent        sends with a ticket, or kRecentMs: for an older one a loss is not told
//   kMaxPeers         senders times shards whose last number is known; beyond it all are forgotten,
//                     and a gap before each one's next message goes unnoticed. Likewise receivers,
//                     whose numbers start over then
// Sends under way are bounded by the RedisClient, which refuses what it has no room for.
//
// Owner: the RedisBackplane. Thread: the loop's.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backplane/redis/node_scope.h"
#include "proxy/net/soon.h"

namespace sockhook::backplane {

class NodeMail final : private redis::CommandListener, private net::SoonListener {
 public:
  // The largest push body (16 MiB) and what is said with it.
  static constexpr std::size_t kMaxPayloadBytes = std::size_t{17} << 20U;
  static constexpr std::size_t kMaxRecent = 65'536;
  static constexpr std::uint64_t kRecentMs = 5'000;
  static constexpr std::size_t kMaxPeers = 65'536;

  explicit NodeMail(NodeScope& scope) : scope_(scope) {}

  // As those of Backplane. Each is answered, from the loop, whatever the state of the link.
  void send(const NodeKey& to, std::string_view payload, Ticket ticket);
  void send_to_name(const Name& name, std::string_view payload, Ticket ticket);
  void send_to_all(std::string_view payload, Ticket ticket);

  // What came on this node's channel of the shard.
  void on_message(Shard shard, std::string_view message);
  // A new life: numbers are of the one before.
  void restart();

 private:
  enum class Kind : char { kMessage = 'm', kLost = 'l' };
  // Numbers that go together: of a shard, by the script or by the sender.
  struct Series {
    Shard shard = 0;
    bool is_senders = false;
    friend bool operator==(const Series&, const Series&) = default;
    friend bool operator<(const Series& a, const Series& b) {
      return std::tie(a.shard, a.is_senders) < std::tie(b.shard, b.is_senders);
    }
  };
  struct Sent {
    NodeKey receiver;
    Series series;
    std::uint64_t number;
    Ticket ticket;
    std::uint64_t sent_ms;
  };
  struct UnderWay {
    Shard shard;
    Ticket ticket;
    NodeKey receiver = {};     // of what was published without a script
    std::uint64_t number = 0;  // its number; 0: a script
  };

  void publish_to_one(const NodeKey& to, Kind kind, std::string_view payload, Ticket ticket);
  void publish(Script script, Shard shard, const std::string& target, Kind kind,
               std::string_view payload, Ticket ticket);
  void refuse(Ticket ticket);
  void remember(const Sent& sent);
  void note_number(const Series& series, const NodeKey& sender, std::uint64_t number);
  void tell_lost(const Series& series, const NodeKey& sender, std::uint64_t first,
                 std::uint64_t last);
  void on_lost_report(const NodeKey& receiver, std::string_view report);

  void take_script(const UnderWay& asked, const redis::Reply& reply, Dispatch& dispatch);
  void ask_whether_up(const UnderWay& asked);

  void on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) override;
  void on_soon(net::Soon& soon) override;

  NodeScope& scope_;
  redis::Ticket last_command_ = 0;
  std::unordered_map<redis::Ticket, UnderWay> under_way_;
  std::deque<Sent> recent_;
  std::map<std::pair<std::array<std::uint8_t, 6>, Series>, std::uint64_t> heard_;
  std::map<std::array<std::uint8_t, 6>, std::uint64_t> numbers_;  // the last one, by receiver
  bool has_forgotten_ = false;                                    // heard_ was full once
  std::vector<Ticket> refused_;                                   // told by soon_
  net::Soon soon_{this};
};

}  // namespace sockhook::backplane
