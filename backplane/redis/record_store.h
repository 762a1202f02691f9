// RecordStore: the records of this node's connections, written to its list in Redis, on its home
// shard.
//
//   Order    Changes go out together at the end of the loop's turn. Records that somebody waits for
//            overtake the others; of one connection the last change counts, and a later one never
//            arrives before an earlier one.
//   Failure  What Redis did not take is forgotten and the owner asked to have everything told again
//            (on_data_lost). Erasures would not be: those of the last kKeepMs, and all of the time
//            without a link, are said again by start().
//   Limits   kBatchRecords, and kBatchBytes and one record, for each script; kMaxUnderWay scripts
//            of records that nobody waits for, so that a repair does not hold up Redis. What waits
//            is one change for each connection. kMaxErasures are kept: beyond it, if this node dies
//            before its next life, the oldest connections' $disconnect is sent a second time.
//
// Owner: the RedisBackplane. Thread: the loop's.

#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "backplane/redis/node_scope.h"
#include "proxy/net/soon.h"

namespace sockhook::backplane {

class RecordStore final : private redis::CommandListener, private net::SoonListener {
 public:
  static constexpr std::size_t kBatchRecords = 512;
  static constexpr std::size_t kBatchBytes = std::size_t{1} << 20U;
  static constexpr std::size_t kMaxUnderWay = 4;
  static constexpr std::uint64_t kKeepMs = 10'000;
  static constexpr std::size_t kMaxErasures = 65'536;

  explicit RecordStore(NodeScope& scope) : scope_(scope) {}

  // The link is up and this node registered: what is said from now on is written.
  void start();
  // The link is down, or this life is over: what waits is refused.
  void stop();
  // The list of the life before is no longer this node's.
  void begin_life();
  // Writes what waits, the node's last words.
  void leave();

  void put(Record record, Ticket ticket);
  void erase(const ConnectionId& id);

 private:
  struct Change {
    ConnectionId id;
    std::string data;  // "": erased
    Ticket ticket;
  };
  using Changes = std::list<Change>;
  struct Erasure {
    ConnectionId id;
    std::uint64_t told_ms;
  };
  struct Batch {
    std::vector<Ticket> tickets;
    bool is_awaited;
  };

  void enqueue(Change change);
  void forget_old_erasures();
  void refuse(Ticket ticket);
  void flush();
  void write_batch(Changes& changes, bool is_awaited);

  void on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) override;
  void on_soon(net::Soon& soon) override;

  NodeScope& scope_;
  bool is_writing_ = false;
  Changes awaited_;  // with a ticket
  Changes others_;
  std::unordered_map<ConnectionId, Changes::iterator> places_;  // in others_
  std::deque<Erasure> erasures_;
  std::vector<Ticket> refused_;  // told by soon_
  redis::Ticket last_command_ = 0;
  std::unordered_map<redis::Ticket, Batch> under_way_;
  std::size_t unawaited_ = 0;  // batches under way that nobody waits for
  net::Soon soon_{this};
};

}  // namespace sockhook::backplane
