// BackendBudget: `max_connections` of one backend, shared by the pools of all workers of the node.
//
// A pool takes a permit for each connection that it opens. One that gets none waits in line: the
// next permit goes to whoever in the line holds least, at once and for good, so that a busy worker
// cannot starve the others. Pools look at should_yield() when a connection comes free: an idle one
// is given up for anybody in the line, a wanted one where that makes the shares more equal.
//
// Owner: the Server; it outlives all pools. Any thread.

#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace sockhook::backend {

class BackendBudget {
 public:
  // One pool's place in the line.
  class Waiter {
   private:
    friend class BackendBudget;
    std::size_t holds_ = 0;
    bool is_granted_ = false;
  };

  // `wake` is called from any thread when a pool may have something to do: BackendPool::on_budget.
  BackendBudget(std::size_t max_connections, std::function<void()> wake);
  BackendBudget(const BackendBudget&) = delete;
  BackendBudget& operator=(const BackendBudget&) = delete;

  // A permit at once; false: all are taken.
  bool acquire();
  void release();

  // Gets in line with so many permits in hand; in line, says anew how many.
  void want(Waiter& waiter, std::size_t holds);
  // True: a permit has been given to the waiter, who has left the line.
  bool take_granted(Waiter& waiter);
  // Leaves the line; a permit that has been granted meanwhile is released.
  void unwant(Waiter& waiter);

  // Has all pools look after something that concerns them all.
  void wake_all() const { wake_(); }

  // Whether a pool that holds so many permits should close the connection that has come free.
  bool should_yield(std::size_t holds, bool has_use_for_it) const;

 private:
  static constexpr std::size_t kNobody = SIZE_MAX;

  void note_line();

  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::size_t free_;  // 0 while anybody is in the line
  std::vector<Waiter*> line_;
  std::atomic<std::size_t> least_held_{kNobody};  // by anybody in the line
};

}  // namespace sockhook::backend
