// LeaseKeeper: this node's place among the living (docs/adr/0009-leases-and-take-over.md).
//
//   kIdle         no link, or this life is over
//   kRegistering  the first heartbeats are under way, or that of the node that went by this node.id
//                 is being ended; again every retry_ms() until all shards have answered
//   kRegistered   a heartbeat on every shard, every `heartbeat`
//   kLeaving      last words, first on the other shards, then at home
//
//   Lease    Granted by the heartbeat on the home shard, from the time when it was sent, less
//            slack_ms(), which a jump of Redis' clock may cost. A shard that does not know this
//            node lost its data: on_data_lost.
//   Claims   A heartbeat may take the lists of nodes whose lease ran out once this node has been
//            registered for a full lease: others whose link broke had that time to come back. The
//            wait begins again when this node's own lease ran out (what held it up may hold up
//            others) and when Redis' clock has jumped. Lists handed over are taken at any time.
//            A node that has retired takes neither.
//   Clock    Redis' time is expected to go on like the loop's, give or take tolerance_ms(): the
//            slack, which with leases of less than some seconds is not enough for a busy machine.
//
// Owner: the RedisBackplane. Thread: the loop's.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backplane/redis/neighbours.h"
#include "backplane/redis/node_scope.h"
#include "backplane/redis/takeover.h"
#include "proxy/net/deadline_wheel.h"

namespace sockhook::backplane {

class LeaseKeeperOwner {
 public:
  // All shards know this node, and it knows the others.
  virtual void on_registered() = 0;
  // The last words are said, or could not be.
  virtual void on_farewell() = 0;

 protected:
  ~LeaseKeeperOwner() = default;
};

class LeaseKeeper final : private redis::CommandListener,
                          private net::DeadlineListener,
                          private NeighboursOwner {
 public:
  static constexpr std::uint64_t kMaxRetryMs = 500;
  static constexpr std::uint64_t kMinToleranceMs = 250;
  // A jump after which keys may have expired that should not.
  static constexpr std::uint64_t kLongJumpMs = 600'000;

  LeaseKeeper(NodeScope& scope, TakeOver& take_over, LeaseKeeperOwner* owner)
      : scope_(scope), take_over_(take_over), owner_(owner) {}

  // The link is up.
  void start();
  // It is down, or this life is over.
  void stop();
  // Before the scope speaks of the new one.
  void begin_life();
  // From now on, in further lives too, no list is taken.
  void retire() { is_retired_ = true; }
  // Redis does not know this node although it is registered: the next heartbeat is due at once.
  void hurry();
  // While registering or registered; on_farewell follows.
  void leave();

  bool is_registered() const { return phase_ == Phase::kRegistered; }
  const std::vector<NodeInfo>& others() const { return neighbours_.others(); }
  bool knows_others() const { return neighbours_.are_known(); }

 private:
  enum class Phase : std::uint8_t { kIdle, kRegistering, kRegistered, kLeaving };
  enum class Kind : std::uint8_t { kBeat, kReplace, kLeave };
  struct Asked {
    Kind kind;
    Shard shard;
    std::uint64_t sent_ms;
  };
  struct ShardState {
    bool is_registered = false;           // since start()
    std::optional<std::int64_t> time_ms;  // Redis', when the last heartbeat that came back was run
    std::uint64_t sent_ms = 0;            // the loop's, when it was sent
  };

  std::uint64_t retry_ms() const;
  std::uint64_t slack_ms() const;
  std::int64_t tolerance_ms() const;
  std::string_view claims(const ShardState& shard) const;
  void beat();
  void beat(Shard shard);
  void replace();
  void say_farewell(Shard shard);
  void run(Kind kind, Shard shard, const std::vector<std::string>& keys,
           const std::vector<std::string>& arguments);

  void on_beat(const Asked& asked, const redis::Reply& reply);
  void on_refused(const redis::Reply& reply);
  void note_clock(const Asked& asked, std::int64_t time_ms, std::int64_t skew_ms);
  void note_lease(const Asked& asked);
  void on_replaced(const redis::Reply& reply);
  void on_last_word(Shard shard, const redis::Reply& reply);
  void advance();

  void on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) override;
  void on_deadline(net::Deadline& deadline) override;
  void on_named() override { advance(); }

  NodeScope& scope_;
  TakeOver& take_over_;
  LeaseKeeperOwner* const owner_;
  Phase phase_ = Phase::kIdle;
  bool is_new_ = true;  // has never been registered
  std::string former_;  // the node that it was in the life before
  std::string older_;   // the node that is being replaced
  NeighboursOwner* const self_ = this;
  Neighbours neighbours_{scope_, self_};
  std::vector<ShardState> shards_;
  std::uint64_t claim_after_ms_ = 0;
  std::uint64_t lease_until_ms_ = 0;
  std::size_t last_words_ = 0;  // that are under way on other shards than the home
  bool is_name_left_ = false;   // or may be
  bool is_retired_ = false;
  bool is_hurried_ = false;  // until a heartbeat has been answered
  std::string reported_error_;
  redis::Ticket last_command_ = 0;
  std::unordered_map<redis::Ticket, Asked> asked_;
  net::Deadline deadline_{this};
};

}  // namespace sockhook::backplane
