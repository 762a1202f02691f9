// NameStore: which names have members here, told to Redis.
//
// The first and the last member of a name go out at the end of the loop's turn, other changes
// within kCountMs; what changes meanwhile replaces what waits. A batch that Redis did not take is
// forgotten, and the owner asked to have everything told again (on_data_lost), as after each loss
// of the link: nothing is kept for later here.
//
//   Epochs   Each repair begins an epoch. What was said in an earlier one and is not said again
//            within kSweepMs, or until all that waits is written, is taken back: it ended while
//            nobody could be told.
//   TTL      kNameTtlMs in Redis, renewed page by page every kRefreshMs from Redis' own list of
//            this node's names. If some are missing there, everything is told again.
//   Limits   kBatchNames, and kBatchBytes and one name, for each script; kMaxBatches of each shard
//            under way, so that messages need not stand behind all names. What waits is bounded by
//            the names that have members here, lookups by the RedisClient.
//
// Owner: the RedisBackplane. Thread: the loop's.

#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "backplane/redis/node_scope.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/soon.h"

namespace sockhook::backplane {

class NameStore final : private redis::CommandListener,
                        private net::DeadlineListener,
                        private net::SoonListener {
 public:
  static constexpr std::uint64_t kCountMs = 250;
  static constexpr std::uint64_t kSweepMs = 1'500;
  static constexpr std::uint64_t kRefreshMs = 20 * 60'000;
  static constexpr std::size_t kBatchNames = 512;
  static constexpr std::size_t kBatchBytes = std::size_t{1} << 20U;
  static constexpr std::size_t kMaxBatches = 4;
  static constexpr std::size_t kPage = 1'000;  // of refreshing and sweeping

  explicit NameStore(NodeScope& scope) : scope_(scope) {}

  // The link is up and this node registered: what is said from now on is written. A new epoch.
  void start();
  // The link is down, or this life is over: what waits is forgotten.
  void stop();
  // Writes what waits and takes everything else back: the node's last words.
  void leave();

  void set(const Name& name, std::size_t count, const std::vector<ConnectionId>& connections);
  void lookup(const Name& name, Ticket ticket);

 private:
  // Names by Keys::member, values as in Redis; "" for a name without members.
  using Changes = std::unordered_map<std::string, std::string>;
  struct Waiting {
    Changes at_once;  // first and last members
    Changes counts;
    bool are_counts_due = false;
    std::size_t under_way = 0;  // batches
  };
  struct Paging {
    Script script;
    Shard shard;
    std::uint64_t offset;  // of the page under way
  };

  void flush();
  void flush(Shard shard);
  void write_batch(Shard shard, Changes& changes);
  bool is_all_written() const;
  void begin_paging(Script script);
  void ask_page(const Paging& paging);
  void on_page(const Paging& paging, redis::Fate fate, const redis::Reply& reply);
  void on_lookup_reply(Ticket ticket, redis::Fate fate, const redis::Reply& reply);

  void on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) override;
  void on_deadline(net::Deadline& deadline) override;
  void on_soon(net::Soon& soon) override;

  NodeScope& scope_;
  bool is_writing_ = false;
  std::uint64_t epoch_ = 0;
  std::unordered_set<std::string> told_;  // names that Redis has, or is about to
  std::vector<Waiting> waiting_;          // by shard
  redis::Ticket last_command_ = 0;
  std::unordered_map<redis::Ticket, Shard> writes_;  // of this epoch
  std::unordered_map<redis::Ticket, Paging> pages_;  // of this epoch
  std::unordered_map<redis::Ticket, Ticket> lookups_;
  net::Deadline counts_{this};
  net::Deadline sweep_{this};
  net::Deadline refresh_{this};
  net::Soon soon_{this};
};

}  // namespace sockhook::backplane
