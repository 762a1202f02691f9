// TakeOver: the lists of dead nodes that this node has taken, until nothing is left of them.
//
// LeaseKeeper's heartbeats take lists and renew the leases on them; after each, sync() tells which
// ones are this node's. What is no longer is dropped: another has it. All steps are checked against
// that in Redis, so that one who has lost a list and does not know it yet does no harm.
//
// Bounded by the lists taken (kMaxClaims for each heartbeat and shard) and by their Estates.
//
// Owner: the RedisBackplane. Thread: the loop's.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backplane/redis/estate.h"
#include "backplane/redis/node_scope.h"
#include "proxy/net/soon.h"

namespace sockhook::backplane {

class TakeOver final : private redis::CommandListener, private net::SoonListener {
 public:
  static constexpr std::size_t kCleanPage = 1'000;  // names

  explicit TakeOver(NodeScope& scope) : scope_(scope) {}

  // All that is this node's of the lists that live on the shard.
  void sync(Shard shard, const std::vector<Taken>& taken);
  void adopt(const Taken& taken);
  // What this node believes to have, of the lists that live on the shard.
  std::vector<std::string> held(Shard shard) const;

  void finish_orphan(const NodeKey& owner, const ConnectionId& id);

  // The link is down: goes on with the next sync().
  void stop();
  // Others have taken what was taken.
  void begin_life();
  // Erases what is finished; the rest is handed over by LeaseKeeper.
  void leave();

 private:
  enum class Kind : std::uint8_t { kPage, kErase, kClean, kFinish };
  struct Asked {
    std::string node;
    Kind kind;
    Shard shard;
    std::vector<std::string> erased;
  };

  void advance(Estate& estate);
  void hand_out(Estate& estate);
  void erase_finished(Estate& estate);
  void ask_page(Estate& estate);
  void clean(Estate& estate, Shard shard);
  void finish(Estate& estate);
  void run(const Estate& estate, Kind kind, Shard shard, const std::vector<std::string>& keys,
           const std::vector<std::string>& arguments);

  void on_page(Estate& estate, const redis::Reply& reply);
  void on_erased(Estate& estate, const Asked& asked, bool is_done);
  void on_cleaned(Estate& estate, Shard shard, const redis::Reply& reply);
  void on_finished(Estate& estate, const redis::Reply& reply);

  void on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) override;
  void on_soon(net::Soon& soon) override;

  NodeScope& scope_;
  bool is_working_ = false;
  std::map<std::string, std::unique_ptr<Estate>> estates_;  // by node
  redis::Ticket last_command_ = 0;
  std::unordered_map<redis::Ticket, Asked> asked_;
  net::Soon soon_{this};
};

}  // namespace sockhook::backplane
