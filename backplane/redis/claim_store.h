// ClaimStore: the claims of claim.h in Redis, for all nodes. A repeat on the node where the first
// runs waits here; one on another node asks Redis again until it is settled.
//
//   kAsking    Redis is being asked whose the claim is, for the first waiter's request
//   kRunning   this node's: its waiters are decided by settle() or abandon()
//   kPolling   another node's: asked again every kPollMinMs to kPollMaxMs, at most kWaitMs long
//   kEnding    settled or abandoned here, Redis is being told; again every kRetryMs until it has
//              heard or the record would have expired
//
// A claimer that dies releases its claims with its lease; one whose claim Redis has, but which does
// not know of it (the answer was lost on the way), gets it again.
//
// Limits: kMaxEntries keys in one of these states; beyond it a claim is kUnavailable. Waiters are
// open requests of the caller's, which bounds their number.
//
// Owner: the RedisBackplane. Thread: the loop's.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "backplane/claim.h"
#include "backplane/redis/node_scope.h"
#include "proxy/net/deadline_wheel.h"

namespace sockhook::backplane {

class ClaimStore final : private redis::CommandListener {
 public:
  static constexpr std::size_t kMaxEntries = 65'536;
  static constexpr std::uint64_t kPollMinMs = 20;
  static constexpr std::uint64_t kPollMaxMs = 200;
  static constexpr std::uint64_t kWaitMs = 10'000;
  static constexpr std::uint64_t kRetryMs = 1'000;

  explicit ClaimStore(NodeScope& scope) : scope_(scope) {}

  void claim(const Claim& claim, Ticket ticket, ClaimListener* listener);
  void settle(const Digest& key, RememberedAnswer answer);
  void abandon(const Digest& key);

 private:
  enum class State : std::uint8_t { kAsking, kRunning, kPolling, kEnding };
  struct Waiter {
    Digest fingerprint;
    Ticket ticket;
    ClaimListener* listener;
  };
  struct Entry final : net::DeadlineListener {
    Entry(ClaimStore& owner, const Claim& claim);
    void on_deadline(net::Deadline&) override { store.on_due(*this); }

    ClaimStore& store;
    const Digest key;
    Digest fingerprint;
    State state = State::kAsking;
    std::vector<Waiter> waiters;
    std::string node;                        // the life in which Redis was told of the claim
    std::optional<RememberedAnswer> answer;  // kEnding: absent if it was abandoned
    std::uint64_t end_ms;                    // of kPolling and kEnding, at the latest
    net::Deadline deadline{this};
  };
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };

  Entry& running(const Digest& key);
  void ask(Entry& entry);
  void end(Entry& entry);
  void run(Entry& entry, Script script, const std::vector<std::string_view>& arguments);
  void on_asked(Entry& entry, redis::Fate fate, const redis::Reply& reply);
  void on_ended(Entry& entry, redis::Fate fate, const redis::Reply& reply);
  void on_due(Entry& entry);
  void become_running(Entry& entry);
  void refuse_asked(Entry& entry);
  void poll(Entry& entry);
  void finish(Entry& entry, ClaimResult result, const RememberedAnswer& answer);
  void forget(Entry& entry);
  static std::vector<Waiter> take_others(Entry& entry);
  static void tell(const std::vector<Waiter>& waiters, ClaimResult result,
                   const RememberedAnswer& answer);

  void on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) override;

  NodeScope& scope_;
  std::unordered_map<Digest, Entry, DigestHash> entries_;
  redis::Ticket last_command_ = 0;
  std::unordered_map<redis::Ticket, Digest> commands_;  // an entry has at most one under way
};

}  // namespace sockhook::backplane
