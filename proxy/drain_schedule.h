// DrainSchedule: which connections a worker closes when, so that their clients do not come back all
// at once (contract 9): evenly over the period, in random order, each at a random moment of its
// step.
//
// Pure arithmetic over a clock that is passed in. Owner: a Worker.

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "protocol/webhook/connection_id.h"
#include "proxy/random.h"

namespace sockhook {

class DrainSchedule {
 public:
  // `random` outlives the schedule.
  DrainSchedule(std::vector<webhook::ConnectionId> connections, uint64_t now_ms, uint64_t period_ms,
                Random& random)
      : connections_(std::move(connections)),
        begins_at_ms_(now_ms),
        period_ms_(period_ms),
        random_(random) {
    for (std::size_t i = connections_.size(); i > 1; --i) {
      std::swap(connections_[i - 1], connections_[random_.below(i)]);
    }
    choose_moment();
  }

  // The next connection whose time has come, or null.
  const webhook::ConnectionId* take_due(uint64_t now_ms) {
    if (next_ == connections_.size() || now_ms < due_ms_) return nullptr;
    const webhook::ConnectionId* due = &connections_[next_++];
    choose_moment();
    return due;
  }

 private:
  void choose_moment() {
    if (next_ == connections_.size()) return;
    const uint64_t from_ms = period_ms_ * next_ / connections_.size();
    const uint64_t to_ms = period_ms_ * (next_ + 1) / connections_.size();
    due_ms_ = begins_at_ms_ + from_ms + random_.below(to_ms - from_ms + 1);
  }

  std::vector<webhook::ConnectionId> connections_;
  const uint64_t begins_at_ms_;
  const uint64_t period_ms_;
  Random& random_;
  std::size_t next_ = 0;
  uint64_t due_ms_ = 0;  // of the next one
};

}  // namespace sockhook
