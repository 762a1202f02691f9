// OperationStream: management operations that backends XADD to Redis instead of calling the
// management API. This is the side of the node that reads them; docs/publishing-through-redis.md
// tells what backends do.
//
//   PREFIX:{0}:operations       the stream; an entry is `op` (a line of POST /v1/batch) and
//                               optionally `key` and `reply`
//   PREFIX:{0}:operations:lock  which node reads, leased
//   PREFIX:{0}:outcomes:NAME    the outcomes of entries with `reply` NAME: kOutcomes of them,
//                               kOutcomesMs long
//
// One node at a time reads, the one that holds the lock. Reading, acknowledging and renewing the
// lock are one script, so that nobody reads without the lock. All readers are one consumer of one
// group: each begins with what its predecessor has read and not finished, in order, so that nothing
// is lost and the order stays whole. An operation is handed over again if its reader died, or lost
// Redis, before it was finished: at least once.
//
//   kStopped   before start() and after on_stopped
//   kDown      Redis is away, or refuses; asked again after kRetryMs
//   kStandby   another node reads; asked again every lease / 3
//   kPolling   the script is under way
//   kWaiting   nothing to read, nothing under way: XREAD BLOCK, for kBlockMs at a time
//   kResting   operations are under way: until one is finished, at most kRestMs
//
// An entry is removed once it is finished: what the stream holds is what is left to do. The lock is
// taken for lost as soon as its lease may have run out: on_withdrawn() tells that what was handed
// over and is not finished is another reader's now.
//
// Limits: kWindow operations or kWindowBytes under way; kPollBytes in one script; an operation of
// more than `max_op_bytes` comes without its text. Beyond them, entries wait in the stream, which
// the backends limit (MAXLEN). The stream lives for kStreamMs after the last look at it.
//
// It has a RedisClient of its own, so that long operations do not hold up what nodes say to one
// another. Redis away: as RedisClient says; the operations under way go on.
//
// Owner: the Control, which destroys it only after on_stopped (or before start). Thread: the
// control loop's. Events never come from inside a call.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "backplane/redis/redis_client.h"
#include "conf/config.h"
#include "proxy/net/loop.h"

namespace sockhook::redis {

// An entry of the stream.
struct StreamedOperation {
  std::string entry;              // its id in the stream
  std::optional<std::string> op;  // absent: the entry has none
  std::string key;                // empty: not given
  std::string reply;              // empty: nobody wants the outcome
  bool is_oversized = false;      // `op` is empty
};

struct OperationOutcome {
  std::string reply;
  int status = 0;
  std::string body;
};

class OperationStreamListener {
 public:
  // In the order of the stream. Each is answered by finish() or by give_back(), in any order.
  virtual void on_operations(std::vector<StreamedOperation> operations) = 0;
  virtual void on_withdrawn() = 0;
  virtual void on_stopped() = 0;

 protected:
  ~OperationStreamListener() = default;
};

class OperationStream final : private RedisClientListener,
                              private CommandListener,
                              private net::DeadlineListener,
                              private net::SoonListener {
 public:
  static constexpr std::size_t kWindow = 1024;
  static constexpr std::size_t kWindowBytes = std::size_t{16} << 20U;
  static constexpr std::size_t kPollEntries = 256;
  static constexpr std::size_t kPollBytes = std::size_t{1} << 20U;
  static constexpr std::uint64_t kBlockMs = 400;  // well within RedisClient::kCommandMs
  static constexpr std::uint64_t kRestMs = 20;
  static constexpr std::uint64_t kRetryMs = 250;
  static constexpr std::uint64_t kStreamMs = 24 * 3'600'000;
  static constexpr std::uint64_t kOutcomesMs = 10 * 60'000;
  static constexpr std::size_t kOutcomes = 10'000;

  // `node` tells this node from others, and this life of it from its earlier ones.
  OperationStream(net::Loop& loop, const conf::Redis& conf, std::string node,
                  std::size_t max_op_bytes, OperationStreamListener* listener);
  OperationStream(const OperationStream&) = delete;
  OperationStream& operator=(const OperationStream&) = delete;

  void start();
  // Reads no more. Once all that is under way is finished or given back, the lock is given up.
  void retire();
  // Acknowledges what is finished, gives up the lock, and closes: on_stopped() follows within two
  // RedisClient::kCommandMs, nothing else does.
  void stop();

  // Of an operation that was handed over; it is acknowledged even if it was withdrawn meanwhile.
  // The `reply` of an outcome is valid.
  void finish(const std::string& entry, std::optional<OperationOutcome> outcome);
  // It has not been started: it stays in the stream, for the next reader.
  void give_back(const std::string& entry);
  // Letters, digits, '.', '_', ':' and '-', 1 to 128 of them.
  static bool is_valid_reply(std::string_view name);

  bool is_reader() const { return is_reader_; }
  // As of the last look: how many entries the stream holds, finished or not. 0 on standby.
  std::size_t entries_left() const { return entries_left_; }
  // For how long the oldest of those under way has been in the stream. 0: none is.
  std::uint64_t lag_ms() const;

 private:
  enum class State : std::uint8_t { kStopped, kDown, kStandby, kPolling, kWaiting, kResting };
  // An entry's id: "ms-number". Ids are in the order of the stream.
  struct EntryId {
    std::uint64_t ms = 0;
    std::uint64_t number = 0;
    friend bool operator<(const EntryId& a, const EntryId& b) {
      return std::tie(a.ms, a.number) < std::tie(b.ms, b.number);
    }
  };
  struct Finished {
    std::string entry;
    std::optional<OperationOutcome> outcome;
  };

  static std::optional<EntryId> parse_id(std::string_view text);
  std::size_t room() const;
  bool is_busy() const { return state_ == State::kPolling || state_ == State::kWaiting; }
  void poll();
  void send_script(std::string_view mode);
  void wait_for_entries();
  void rest(State state, std::uint64_t ms);
  void take_poll(const Reply& reply);
  bool take_entries(const Reply& entries);
  void take_wait(const Reply& reply);
  void fail(Fate fate, const Reply& reply);
  void withdraw();

  // RedisClientListener
  void on_message(Shard, std::string_view, std::string_view) override {}
  void on_resubscribed(Shard) override {}
  void on_up() override;
  void on_down() override {}
  void on_stopped() override;
  // CommandListener
  void on_reply(Ticket ticket, Fate fate, const Reply& reply) override;
  void on_deadline(net::Deadline& deadline) override;
  void on_soon(net::Soon& soon) override;

  net::Loop& loop_;
  const std::string node_;
  const std::uint64_t lease_ms_;
  const std::size_t max_op_bytes_;
  OperationStreamListener* const listener_;
  const std::string stream_;    // PREFIX:{0}:operations
  const std::string outcomes_;  // PREFIX:{0}:outcomes:
  RedisClient client_;

  State state_ = State::kStopped;
  bool is_reader_ = false;
  bool is_retired_ = false;
  bool is_stopping_ = false;
  std::string after_ = "0";       // where reading goes on; ">" once all that was pending is read
  std::string last_entry_ = "0";  // the highest one seen
  std::map<EntryId, std::size_t> under_way_;  // to their bytes
  std::size_t bytes_under_way_ = 0;
  std::vector<Finished> finished_;    // not acknowledged yet
  std::size_t acknowledging_ = 0;     // so many of them, by the script under way
  std::uint64_t polled_ms_ = 0;       // when the script under way was sent
  std::size_t asked_ = 0;             // for so many entries
  bool is_outdated_ = false;          // withdrawn meanwhile
  std::uint64_t redis_ahead_ms_ = 0;  // Redis' clock minus the loop's
  std::size_t entries_left_ = 0;
  std::string reported_;  // the failure that was logged last
  net::Deadline alarm_{this};
  net::Deadline lease_alarm_{this};  // the lock may have run out
  net::Soon soon_{this};             // what was finished in this loop turn
};

}  // namespace sockhook::redis
