#include "backplane/redis/record_store.h"

#include <utility>

namespace sockhook::backplane {

void RecordStore::start() {
  is_writing_ = true;
  for (Erasure& erasure : erasures_) {
    erasure.told_ms = scope_.loop.now_ms();
    if (!places_.contains(erasure.id)) enqueue({erasure.id, {}, 0});
  }
}

void RecordStore::stop() {
  is_writing_ = false;
  for (const Change& change : awaited_) refuse(change.ticket);
  awaited_.clear();
  others_.clear();
  places_.clear();
}

void RecordStore::begin_life() {
  stop();
  erasures_.clear();
}

void RecordStore::leave() {
  if (!is_writing_) return;
  while (!awaited_.empty()) write_batch(awaited_, true);
  while (!others_.empty()) write_batch(others_, false);
  is_writing_ = false;
}

void RecordStore::put(Record record, Ticket ticket) {
  if (!is_writing_) {
    refuse(ticket);
  } else if (ticket == 0) {
    enqueue({record.id, std::move(record.data), 0});
  } else {
    if (const auto place = places_.extract(record.id)) others_.erase(place.mapped());
    awaited_.push_back({record.id, std::move(record.data), ticket});
    scope_.loop.soon().arm(soon_);
  }
}

void RecordStore::erase(const ConnectionId& id) {
  forget_old_erasures();
  erasures_.push_back({id, scope_.loop.now_ms()});
  if (is_writing_) enqueue({id, {}, 0});
}

void RecordStore::enqueue(Change change) {
  const auto [place, is_new] = places_.try_emplace(change.id);
  if (is_new) {
    place->second = others_.insert(others_.end(), std::move(change));
  } else {
    place->second->data = std::move(change.data);
  }
  scope_.loop.soon().arm(soon_);
}

void RecordStore::forget_old_erasures() {
  const auto is_old = [this](const Erasure& erasure) {
    return is_writing_ && erasure.told_ms + kKeepMs < scope_.loop.now_ms();
  };
  while (!erasures_.empty() && (is_old(erasures_.front()) || erasures_.size() >= kMaxErasures)) {
    erasures_.pop_front();
  }
}

void RecordStore::refuse(Ticket ticket) {
  if (ticket == 0) return;
  refused_.push_back(ticket);
  scope_.loop.soon().arm(soon_);
}

void RecordStore::on_soon(net::Soon&) {
  flush();
  for (const Ticket ticket : std::exchange(refused_, {})) {
    scope_.listener->on_recorded(ticket, false);
  }
}

void RecordStore::flush() {
  while (!awaited_.empty()) write_batch(awaited_, true);
  while (!others_.empty() && unawaited_ < kMaxUnderWay) write_batch(others_, false);
}

// Takes what has room off the front.
void RecordStore::write_batch(Changes& changes, bool is_awaited) {
  const Shard home = scope_.keys.home(scope_.self.key);
  const std::string dead = scope_.keys.dead(home, scope_.node);
  const std::string leases = scope_.keys.leases(home);
  const std::string records = scope_.keys.records(home, scope_.node);
  const std::string lease = std::to_string(scope_.lease_ms);
  const std::string ttl = std::to_string(scope_.record_ms);
  const std::string_view keys[] = {dead, leases, records};
  std::vector<std::string_view> arguments{scope_.node, lease, ttl};
  Batch batch{{}, is_awaited};
  std::size_t bytes = 0;
  auto end = changes.begin();
  for (std::size_t i = 0; i < kBatchRecords && bytes < kBatchBytes && end != changes.end(); ++i) {
    arguments.push_back(end->id.view());
    arguments.push_back(end->data);
    bytes += ConnectionId::kLength + end->data.size();
    if (end->ticket != 0) batch.tickets.push_back(end->ticket);
    if (!is_awaited) places_.erase(end->id);
    ++end;
  }
  if (!is_awaited) ++unawaited_;
  under_way_.emplace(++last_command_, std::move(batch));
  scope_.run(home, Script::kWriteRecords, keys, arguments, last_command_, this);
  changes.erase(changes.begin(), end);
}

void RecordStore::on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) {
  const auto found = under_way_.extract(command);
  if (found.empty()) return;
  const Batch& batch = found.mapped();
  if (!batch.is_awaited) --unawaited_;
  const bool is_written = fate == redis::Fate::kAnswered && reply.integer() != nullptr;
  const bool is_fenced = pass_on_fence(scope_, reply);
  const bool was_known = is_written && *reply.integer() == 1;
  if (!was_known && !is_fenced) scope_.owner->on_data_lost();
  for (const Ticket ticket : batch.tickets) scope_.listener->on_recorded(ticket, is_written);
  flush();
}

}  // namespace sockhook::backplane
