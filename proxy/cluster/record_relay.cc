#include "proxy/cluster/record_relay.h"

#include <utility>

namespace sockhook::cluster {

using backplane::Record;
using backplane::Ticket;

void RecordRelay::apply(unsigned worker, std::vector<JournalEntries::RecordChange>& changes) {
  for (JournalEntries::RecordChange& change : changes) {
    if (change.record.data.empty()) {
      backplane_.erase_record(change.record.id);
    } else if (change.ticket == 0) {
      backplane_.put_record(std::move(change.record), 0);
    } else {
      awaited_.emplace(++last_ticket_, Awaited{worker, change.ticket});
      backplane_.put_record(std::move(change.record), last_ticket_);
    }
  }
}

void RecordRelay::on_recorded(Ticket ticket) {
  const auto awaited = awaited_.extract(ticket);
  if (awaited.empty()) return;
  written_[awaited.mapped().worker].push_back(awaited.mapped().ticket);
  loop_.soon().arm(soon_);
}

// A mailbox that is full loses the word: the worker's wait has an end of its own.
void RecordRelay::on_soon(net::Soon&) {
  for (unsigned worker = 0; worker < workers_.workers(); ++worker) {
    if (written_[worker].empty()) continue;
    workers_.try_post(worker, RecordsWritten{std::exchange(written_[worker], {})});
  }
}

void RecordRelay::on_orphans(const backplane::NodeInfo& owner, std::vector<Record> records) {
  std::vector<std::vector<Record>> shares(workers_.workers());
  for (Record& record : records) {
    shares[next_worker_].push_back(std::move(record));
    next_worker_ = (next_worker_ + 1) % workers_.workers();
  }
  for (unsigned worker = 0; worker < workers_.workers(); ++worker) {
    if (shares[worker].empty()) continue;
    workers_.post(worker, AdoptOrphans{owner, std::move(shares[worker])});
  }
}

void RecordRelay::clear() {
  awaited_.clear();
  for (auto& tickets : written_) tickets.clear();
}

}  // namespace sockhook::cluster
