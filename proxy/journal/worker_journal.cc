#include "proxy/journal/worker_journal.h"

#include <utility>

#include "proxy/journal/record_codec.h"

namespace sockhook::journal {

WorkerJournal::WorkerJournal(net::Loop& loop, unsigned worker, const webhook::NodeKey& life,
                             JournalSink* sink)
    : loop_(loop), worker_(worker), life_(life), sink_(sink), entries_(empty_entries()) {}

// ---------------------------------------------------------------------------------------------
// What happens to connections.

void WorkerJournal::named(backplane::NameKind kind, std::string_view name,
                          const webhook::ConnectionId& id, bool is_member) {
  entries_.names.push_back({{kind, std::string(name)}, id, is_member});
  loop_.soon().arm(soon_);
}

// Of a connection that was asked $connect for there is a record; it says enough unless that has
// set something.
void WorkerJournal::opened(const routing::FactsPtr& facts) {
  const bool has_record = facts->endpoint->connect != nullptr;
  if (!has_record || !facts->user.empty() || !facts->state.empty()) write(*facts);
}

void WorkerJournal::changed(const routing::FactsPtr& facts) {
  if (facts->endpoint->disconnect == nullptr) return;
  if (!changed_ids_.insert(facts->id).second) return;
  changed_.push_back(facts);
  if (!change_deadline_.is_armed()) loop_.deadlines().arm(change_deadline_, kChangeDelayMs);
}

void WorkerJournal::owed(const routing::WebhookJob& disconnect) {
  // A dead node's connection has its record already, which is not ours to write.
  if (disconnect.facts->owner != nullptr) return;
  put(disconnect.facts->id, encode_record(disconnect), 0);
}

void WorkerJournal::settled(const webhook::ConnectionId& id) {
  const webhook::NodeKey owner = id.node_key();
  if (owner == life_) {
    put(id, {}, 0);
  } else {
    finish_orphan(owner, id);
  }
}

// ---------------------------------------------------------------------------------------------
// Entries.

void WorkerJournal::write(const routing::ConnectionFacts& facts) {
  if (facts.endpoint->disconnect != nullptr) put(facts.id, encode_record(facts), 0);
}

backplane::Ticket WorkerJournal::write_awaited(const routing::ConnectionFacts& facts) {
  put(facts.id, encode_record(facts), ++last_ticket_);
  return last_ticket_;
}

void WorkerJournal::put(const webhook::ConnectionId& id, std::string data,
                        backplane::Ticket ticket) {
  changed_ids_.erase(id);
  entries_.records.push_back({{id, std::move(data)}, ticket});
  loop_.soon().arm(soon_);
}

void WorkerJournal::finish_orphan(const webhook::NodeKey& owner, const webhook::ConnectionId& id) {
  entries_.orphans.push_back({owner, id});
  loop_.soon().arm(soon_);
}

void WorkerJournal::write_changes() {
  for (std::size_t left = kChangesAtOnce; left > 0 && !changed_.empty(); --left) {
    const routing::FactsPtr facts = std::move(changed_.front());
    changed_.pop_front();
    if (changed_ids_.contains(facts->id)) write(*facts);
  }
  if (!changed_.empty()) loop_.deadlines().arm(change_deadline_, 0);
}

// ---------------------------------------------------------------------------------------------
// To the control.

void WorkerJournal::on_soon(net::Soon&) { flush(); }

void WorkerJournal::on_deadline(net::Deadline& deadline) {
  if (&deadline == &change_deadline_) {
    write_changes();
  } else {
    flush();
  }
}

bool WorkerJournal::flush() {
  soon_.cancel();
  if (is_empty()) return true;
  if (!sink_->tell(entries_)) {
    loop_.deadlines().arm(retry_, kRetryMs);
    return false;
  }
  entries_ = empty_entries();
  retry_.cancel();
  return true;
}

void WorkerJournal::begin_life(const webhook::NodeKey& life) {
  life_ = life;
  entries_ = empty_entries();
  changed_.clear();
  changed_ids_.clear();
  soon_.cancel();
  retry_.cancel();
  change_deadline_.cancel();
}

bool WorkerJournal::is_empty() const {
  return entries_.names.empty() && entries_.records.empty() && entries_.orphans.empty();
}

bool WorkerJournal::is_full() const {
  return entries_.names.size() + entries_.records.size() + entries_.orphans.size() >= kFull;
}

}  // namespace sockhook::journal
