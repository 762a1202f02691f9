// LeaseGuard: no webhook leaves a node that others may have declared dead (contract 8): they send
// the $disconnects of its connections, and a message behind them would come from a ghost.
//
// A node does not notice that it was frozen. So whoever is about to send asks here, by a clock that
// is read anew: the loop's own is that of the turn in which the process stood still. Where the
// lease has run out the request is parked, until the control has asked Redis: it either renews the
// lease, or begins a new life, which drops what is parked.
//
// What is parked is what would run: it is bounded by `in_flight` of each connection and by the
// backlog's kInFlight. A parked webhook's timeout goes on.
//
// Owner: a WebhookClient. Thread: the worker's. Without a cluster every answer is yes.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>

#include "proxy/net/deadline_wheel.h"
#include "proxy/net/loop.h"

namespace sockhook::webhooks {

class LeaseGuard;

// Embedded in whoever may have to wait. Destroying it takes it out.
class ParkedRequest {
 public:
  ParkedRequest() = default;
  ParkedRequest(const ParkedRequest&) = delete;
  ParkedRequest& operator=(const ParkedRequest&) = delete;

  // No longer parked: asks again, and sends or parks again. May be destroyed in it.
  virtual void on_lease_confirmed() = 0;

 protected:
  ~ParkedRequest() { unpark(); }
  void unpark();

 private:
  friend class LeaseGuard;
  LeaseGuard* guard_ = nullptr;  // set while it is parked
  std::list<ParkedRequest*>::iterator place_;
};

class LeaseGuard final : net::DeadlineListener {
 public:
  // While something is parked it looks by itself too: the control's word may have come just before.
  static constexpr uint64_t kLookAgainMs = 100;

  // `ok_until_ms`: by uv_hrtime() / 1e6, written by another thread. Null: there is no cluster.
  LeaseGuard(net::Loop& loop, const std::atomic<uint64_t>* ok_until_ms)
      : loop_(loop), ok_until_ms_(ok_until_ms) {}

  bool may_send() const;
  void park(ParkedRequest& request);
  // All that is parked may ask again, in the order in which it came.
  void resume();
  std::size_t parked() const { return parked_.size(); }

 private:
  friend class ParkedRequest;
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  const std::atomic<uint64_t>* const ok_until_ms_;
  std::list<ParkedRequest*> parked_;
  net::Deadline look_again_{this};
};

}  // namespace sockhook::webhooks
