#include "proxy/cluster/worker_outbox.h"

#include <utility>

namespace sockhook::cluster {

void WorkerOutbox::post(unsigned worker, const WorkerMessage& message) {
  std::deque<WorkerMessage>& kept = kept_[worker];
  if (kept.empty() && post_(worker, message)) return;
  kept.push_back(message);
  if (!retry_.is_armed()) loop_.deadlines().arm(retry_, kRetryMs);
}

void WorkerOutbox::post_to_all(const WorkerMessage& message) {
  for (unsigned worker = 0; worker < workers(); ++worker) post(worker, message);
}

void WorkerOutbox::try_post(unsigned worker, WorkerMessage message) {
  static_cast<void>(post_(worker, std::move(message)));
}

void WorkerOutbox::clear() {
  for (std::deque<WorkerMessage>& kept : kept_) kept.clear();
}

void WorkerOutbox::on_deadline(net::Deadline&) {
  bool is_empty = true;
  for (unsigned worker = 0; worker < workers(); ++worker) {
    std::deque<WorkerMessage>& kept = kept_[worker];
    while (!kept.empty() && post_(worker, kept.front())) kept.pop_front();
    is_empty = is_empty && kept.empty();
  }
  if (!is_empty) loop_.deadlines().arm(retry_, kRetryMs);
}

}  // namespace sockhook::cluster
