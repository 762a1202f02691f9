#include "proxy/record_teller.h"

namespace sockhook {

void RecordTeller::start() {
  next_slot_ = 0;
  tell_next();
}

void RecordTeller::on_record_written(backplane::Ticket ticket) {
  if (ticket == awaited_) tell_next();
}

void RecordTeller::on_deadline(net::Deadline&) { tell_next(); }

void RecordTeller::tell_next() {
  cancel();
  // Slots without a record are passed over: something is awaited of each part.
  while (next_slot_ && awaited_ == 0) {
    routing::FactsPtr last;
    next_slot_ = hub_.for_some(*next_slot_, kSlotsAtOnce, [&](const client::Session& session) {
      if (!session.has_record()) return;
      if (last != nullptr) journal_.write(*last);
      last = session.shared_facts();
    });
    if (last != nullptr) awaited_ = journal_.write_awaited(*last);
    if (!next_slot_) webhooks_.tell_owed_again();
  }
  if (next_slot_) loop_.deadlines().arm(deadline_, kWaitMs);
}

void RecordTeller::cancel() {
  awaited_ = 0;
  deadline_.cancel();
}

}  // namespace sockhook
