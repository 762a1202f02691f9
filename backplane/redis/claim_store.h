// ClaimStore: the claims of claim.h in Redis, for all nodes. A repeat on the node where the first
// runs waits here; one on another node asks Redis again until it is settled.
//
//   kAsking    Redis is being asked whose the claim is
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

class ClaimStore final : private redis::CommandListener, private net::DeadlineListener {
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
    Ticket ticket;
    ClaimListener* listener;
  };
  struct Entry;
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const noexcept;
  };
  using Entries = std::unordered_map<Digest, Entry, DigestHash>;

  void on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) override;
  void on_deadline(net::Deadline& deadline) override;

  NodeScope& scope_;
};

}  // namespace sockhook::backplane
