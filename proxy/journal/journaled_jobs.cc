#include "proxy/journal/journaled_jobs.h"

#include <utility>

namespace sockhook::journal {

void JournaledJobs::start(const routing::WebhookJob& job) {
  const routing::ConnectionFacts& facts = *job.facts;
  if (job.kind != webhook::EventKind::kConnect || facts.endpoint->disconnect == nullptr) {
    next_.start(job);
    return;
  }
  const backplane::Ticket ticket = journal_.write_awaited(facts);
  held_.emplace(ticket, Held{routing::OwnedJob(job), loop_.now_ms() + kWaitMs});
  if (!deadline_.is_armed()) arm();
}

void JournaledJobs::on_record_written(backplane::Ticket ticket) {
  const auto released = held_.extract(ticket);
  if (!released.empty()) next_.start(*released.mapped().job);
}

void JournaledJobs::on_deadline(net::Deadline&) {
  const uint64_t now_ms = loop_.now_ms();
  while (!held_.empty() && held_.begin()->second.due_ms <= now_ms) {
    on_record_written(held_.begin()->first);
  }
  arm();
}

void JournaledJobs::arm() {
  if (held_.empty()) return;
  const uint64_t now_ms = loop_.now_ms();
  const uint64_t due_ms = held_.begin()->second.due_ms;
  loop_.deadlines().arm(deadline_, due_ms > now_ms ? due_ms - now_ms : 0);
}

void JournaledJobs::cancel_all() {
  held_.clear();
  deadline_.cancel();
}

}  // namespace sockhook::journal
