// Backplane: what the nodes of a cluster share. In memory it is this process alone; over Redis it
// will be the cluster.
//
// So far it holds the idempotency records of the management API (contract 6). What an
// implementation promises:
//
//   Order     Of the claims of one key, the first to come is kMine; those that come while it runs
//             wait for it, in order.
//   Delivery  Each claim is decided exactly once. A settled answer is remembered for kRememberMs;
//             an abandoned claim leaves nothing behind: the next in line is kMine.
//   Failure   Where the record cannot be read or written, or there is no room for it, the claim is
//             kUnavailable, and the caller must not send: a duplicate is what the key is to
//             prevent. A record is never forgotten early.
//
// Owner: the Control. Thread: the control loop's, every call and every event.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sockhook::backplane {

// SHA-256: keys and requests have any length, records have one.
using Digest = std::array<std::uint8_t, 32>;

struct Claim {
  Digest key;          // of the idempotency key
  Digest fingerprint;  // of the request that it came with
};

struct RememberedAnswer {
  int status = 0;
  std::string body;
};

enum class ClaimResult : std::uint8_t {
  kMine,         // nobody had it: run the request, then settle() or abandon()
  kRemembered,   // it has run: `answer` is what it got
  kConflict,     // the key came with another request
  kUnavailable,  // nothing is known: 503
};

class ClaimListener {
 public:
  // `ticket` is the one that the claim was made with. May come from inside claim() and, for those
  // that waited, from inside settle() and abandon(). `answer` is meaningful with kRemembered.
  virtual void on_claim(std::uint64_t ticket, ClaimResult result,
                        const RememberedAnswer& answer) = 0;

 protected:
  ~ClaimListener() = default;
};

class Backplane {
 public:
  static constexpr std::uint64_t kRememberMs = 120'000;

  virtual ~Backplane() = default;

  // "memory": for logs.
  virtual std::string_view name() const = 0;

  // The listener must outlive the claim. `ticket` is the caller's own number for it.
  virtual void claim(const Claim& claim, std::uint64_t ticket, ClaimListener* listener) = 0;
  // Ends a claim that was kMine; exactly one of the two.
  virtual void settle(const Digest& key, RememberedAnswer answer) = 0;
  virtual void abandon(const Digest& key) = 0;
};

}  // namespace sockhook::backplane
