// Claims: the idempotency records of the management API (contract 6).
//
//   Order     Of the claims of one key, the first to come is kMine; those that come while it runs
//             wait for it.
//   Delivery  Each claim is decided exactly once. A settled answer is remembered for kRememberMs;
//             an abandoned claim leaves nothing behind: one of those who wait is kMine.
//   Failure   Where the record cannot be read or written, or there is no room for it, the claim is
//             kUnavailable, and the caller must not send: a duplicate is what the key is to
//             prevent. A record is never forgotten early.

#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace sockhook::backplane {

// SHA-256: keys and requests have any length, records have one.
using Digest = std::array<std::uint8_t, 32>;

inline constexpr std::uint64_t kRememberMs = 120'000;

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

}  // namespace sockhook::backplane
