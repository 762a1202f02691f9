// WorkerOutbox: what the cluster tells the workers and must not get lost. A message that a full
// mailbox refuses is kept, and posted again every kRetryMs, in order.
//
// Bounded: what is kept is one of a few orders, or a page of orphans, which the backplane bounds.
// Owner: the ClusterNode. Thread: the control loop's.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "proxy/messages.h"
#include "proxy/net/loop.h"

namespace sockhook::cluster {

class WorkerOutbox final : net::DeadlineListener {
 public:
  static constexpr std::uint64_t kRetryMs = 20;
  // False: the mailbox is full.
  using Post = std::function<bool(unsigned worker, WorkerMessage message)>;

  WorkerOutbox(net::Loop& loop, unsigned workers, Post post)
      : loop_(loop), post_(std::move(post)), kept_(workers) {}

  unsigned workers() const { return static_cast<unsigned>(kept_.size()); }
  // Sooner or later; behind what is kept.
  void post(unsigned worker, const WorkerMessage& message);
  void post_to_all(const WorkerMessage& message);
  // Now, or not at all.
  void try_post(unsigned worker, WorkerMessage message);
  // What is kept is void.
  void clear();

 private:
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  const Post post_;
  std::vector<std::deque<WorkerMessage>> kept_;  // by worker
  net::Deadline retry_{this};
};

}  // namespace sockhook::cluster
