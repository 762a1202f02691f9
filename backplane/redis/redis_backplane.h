// RedisBackplane: the cluster of the nodes that share a Redis or Valkey and a prefix (contract 8).
// docs/redis.md lists keys, channels and commands.
//
// It is made of parts that do not know each other; here stands what they make of one life:
//
//   kDown         there is no link, or not all of it works
//   kRegistering  there is: LeaseKeeper registers this node in all shards, SelfTest sends its first
//                 round; both done, on_up and, up to kRepairJitterMs later, on_repair
//   kUp           heartbeats, self-tests
//   kFenced       declared dead: nothing is written until restart()
//   kLeaving      NameStore and LeaseKeeper say their last words, at most kCommandMs long
//   kStopped      links are closed; on_left has been called
//
// Any part may report on_fenced (a script found this node's tombstone) and on_data_lost (Redis does
// not have what was written): on_repair then, at most once in kRepairEveryMs.
//
// Owner: the Control, which destroys it after on_left (or before start). Thread: the loop's.

#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "backplane/backplane.h"
#include "backplane/redis/claim_store.h"
#include "backplane/redis/lease_keeper.h"
#include "backplane/redis/name_store.h"
#include "backplane/redis/node_mail.h"
#include "backplane/redis/node_scope.h"
#include "backplane/redis/record_store.h"
#include "backplane/redis/redis_client.h"
#include "backplane/redis/self_test.h"
#include "backplane/redis/takeover.h"
#include "conf/config.h"
#include "proxy/net/deadline_wheel.h"

namespace sockhook::backplane {

class RedisBackplane final : public Backplane,
                             private redis::RedisClientListener,
                             private NodeScopeOwner,
                             private SelfTestOwner,
                             private LeaseKeeperOwner,
                             private net::DeadlineListener {
 public:
  static constexpr std::uint64_t kRepairJitterMs = 500;
  static constexpr std::uint64_t kRepairEveryMs = 2'000;

  // `record_ms`: how long a dead node's list may wait for a survivor.
  RedisBackplane(net::Loop& loop, const conf::Redis& conf, std::uint64_t record_ms);
  ~RedisBackplane() override;
  RedisBackplane(const RedisBackplane&) = delete;
  RedisBackplane& operator=(const RedisBackplane&) = delete;

  std::string_view name() const override { return "redis"; }
  State state() const override;

  void start(const NodeInfo& self, BackplaneListener* listener) override;
  void restart(const NodeKey& fresh) override;
  void leave() override;

  void retire() override { leases_.retire(); }

  const std::vector<NodeInfo>& others() const override { return leases_.others(); }
  bool knows_others() const override { return leases_.knows_others(); }
  std::optional<std::uint64_t> loop_us() const override { return self_test_.loop_us(); }

  void send(const NodeKey& to, std::string_view payload, Ticket ticket) override {
    mail_.send(to, payload, ticket);
  }
  void send_to_name(const Name& name, std::string_view payload, Ticket ticket) override {
    mail_.send_to_name(name, payload, ticket);
  }
  void send_to_all(std::string_view payload, Ticket ticket) override {
    mail_.send_to_all(payload, ticket);
  }

  void set_presence(const Name& name, std::size_t count,
                    const std::vector<ConnectionId>& connections) override {
    names_.set(name, count, connections);
  }
  void lookup(const Name& name, Ticket ticket) override { names_.lookup(name, ticket); }

  void put_record(Record record, Ticket ticket) override {
    records_.put(std::move(record), ticket);
  }
  void erase_record(const ConnectionId& id) override { records_.erase(id); }
  void finish_orphan(const NodeKey& owner, const ConnectionId& id) override {
    take_over_.finish_orphan(owner, id);
  }

  void claim(const Claim& claim, Ticket ticket, ClaimListener* listener) override {
    claims_.claim(claim, ticket, listener);
  }
  void settle(const Digest& key, RememberedAnswer answer) override {
    claims_.settle(key, std::move(answer));
  }
  void abandon(const Digest& key) override { claims_.abandon(key); }

 private:
  enum class Phase : std::uint8_t { kIdle, kDown, kRegistering, kUp, kFenced, kLeaving, kStopped };

  // Listens to the channels of a life.
  void become(const NodeInfo& self);
  void go_down(std::string_view reason);
  void advance();
  void stop_parts();

  // RedisClientListener
  void on_message(Shard shard, std::string_view channel, std::string_view payload) override;
  void on_resubscribed(Shard shard) override;
  void on_up() override;
  void on_down() override;
  void on_stopped() override;
  // NodeScopeOwner
  void on_fenced(FenceReason reason) override;
  void on_data_lost() override;
  void on_forgotten() override;
  // SelfTestOwner
  void on_loop_closed() override;
  void on_loop_broken() override;
  // LeaseKeeperOwner
  void on_registered() override { advance(); }
  void on_farewell() override { client_.stop(); }

  void on_deadline(net::Deadline& deadline) override;

  redis::RedisClient client_;
  NodeScope scope_;
  NodeMail mail_{scope_};
  NameStore names_{scope_};
  ClaimStore claims_{scope_};
  RecordStore records_{scope_};
  TakeOver take_over_{scope_};
  LeaseKeeper leases_{scope_, take_over_, this};
  SelfTest self_test_{scope_, this};
  Phase phase_ = Phase::kIdle;
  net::Deadline repair_{this};
  net::Deadline last_words_{this};
};

}  // namespace sockhook::backplane
