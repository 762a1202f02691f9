// Drain: how this node goes (contract 9, docs/drain.md).
//
//   kServing   nothing of it yet
//   kWaiting   unready; new clients are let in for another `drain.delay`
//   kClosing   the workers have closed their listeners, and close connections over `drain.period`
//   kGivingUp  kGraceMs after that: the workers give up what is left
//   kDrained   no connection, no webhook and no owed $disconnect is left on any worker
//
// Begun by a signal, by POST /drain, or because the node was replaced in its cluster: its
// connections are closed already, so there is no delay and nothing to spread. A drain that was only
// requested leaves the process standing when it is done: its first signal ends it, without any
// further delay. Phases go one way.
//
// Owner: the Control. Thread: the control loop's.

#pragma once

#include <cstdint>

#include "conf/config.h"
#include "proxy/management/admin_api.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/loop.h"

namespace sockhook {

// Called from inside Drain's calls, and from the loop.
class DrainOwner {
 public:
  // From now on the node is unready, and takes up no work that is not its own.
  virtual void on_drain_begun() = 0;
  // The workers are to close, over so long a time; each answers by on_worker_drained().
  virtual void close_connections(std::uint64_t period_ms) = 0;
  virtual void give_up_connections() = 0;
  // Once: all workers are drained and the process is to end.
  virtual void on_drained() = 0;

 protected:
  ~DrainOwner() = default;
};

class Drain final : net::DeadlineListener {
 public:
  static constexpr std::uint64_t kGraceMs = 5000;
  using Phase = management::DrainPhase;

  Drain(net::Loop& loop, const conf::Drain& settings, unsigned workers, DrainOwner* owner)
      : loop_(loop), settings_(settings), workers_left_(workers), owner_(owner) {}
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  // SIGTERM or SIGINT. False: the second one, which stops at once.
  [[nodiscard]] bool on_signal();
  // An operator asks for it; again and again is no matter.
  void request();
  // Another node has taken this one's place.
  void on_replaced();
  void on_worker_drained();

  Phase phase() const { return phase_; }

 private:
  void begin();
  void close(std::uint64_t period_ms);
  void end_if_drained();
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  const conf::Drain settings_;
  unsigned workers_left_;
  DrainOwner* const owner_;
  Phase phase_ = Phase::kServing;
  bool has_signal_ = false;
  bool is_replaced_ = false;
  bool has_ended_ = false;
  net::Deadline deadline_{this};
};

}  // namespace sockhook
