// Lease: until when this node knows that no other has declared it dead (contract 8). Written to the
// Node, where the workers' LeaseGuards read it before each webhook.
//
//   kNone     never had one: nobody knows this node, nobody can declare it dead
//   kHeld     until the time that is written there. It runs out when the backplane is away, or when
//             this process stood still: then nothing is sent until it is known what has become
//   kCutOff   it ran out while the backplane was away. `serve`: goes on, not knowing.
//             `fence`: says nothing more, its connections are closed
//   kLost     others have declared this node dead; a new life begins
//
// A link that breaks while the lease holds was not broken by a standstill: with `serve` the node
// goes on at once. After a standstill a link that turns out to be broken has kReturnMs to come back
// and tell.
//
// Owner: the ClusterNode. Thread: the control loop's.

#pragma once

#include <atomic>
#include <cstdint>

#include "proxy/net/loop.h"

namespace sockhook::cluster {

class LeaseListener {
 public:
  // It was looked at, and holds, or does not matter any more.
  virtual void on_lease_confirmed() = 0;
  // `fence` only: it ran out without the backplane; and the node knows again that it lives.
  virtual void on_cut_off() = 0;
  virtual void on_back() = 0;

 protected:
  ~LeaseListener() = default;
};

class Lease final : net::DeadlineListener {
 public:
  static constexpr std::uint64_t kReturnMs = 5'000;

  // `ok_until_ms`: by uv_hrtime() / 1e6, which is the loop's clock read anew.
  Lease(net::Loop& loop, bool fences, std::atomic<std::uint64_t>& ok_until_ms,
        LeaseListener* listener)
      : loop_(loop), fences_(fences), ok_until_ms_(ok_until_ms), listener_(listener) {}

  void granted(std::uint64_t until_ms);
  void on_link_up() { is_linked_ = true; }
  void on_link_down();
  void lost();
  // The life after begins without one.
  void begin_life();

 private:
  enum class State : std::uint8_t { kNone, kHeld, kCutOff, kLost };

  void cut_off();
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  const bool fences_;
  std::atomic<std::uint64_t>& ok_until_ms_;
  LeaseListener* const listener_;
  State state_ = State::kNone;
  bool is_linked_ = false;
  std::uint64_t until_ms_ = 0;
  net::Deadline deadline_{this};
};

}  // namespace sockhook::cluster
