#include "backplane/redis/name_store.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/webhook/connection_id.h"

namespace sockhook::backplane {
namespace {

// As it stands in Redis: a group's count, a user's connections; "" for a name without members.
std::string value_of(NameKind kind, std::size_t count,
                     const std::vector<ConnectionId>& connections) {
  if (count == 0) return {};
  if (kind == NameKind::kGroup) return std::to_string(count);
  std::string value;
  value.reserve(connections.size() * (ConnectionId::kLength + 1));
  for (const ConnectionId& id : connections) {
    if (!value.empty()) value.push_back(',');
    value.append(id.view());
  }
  return value;
}

std::vector<ConnectionId> parse_ids(std::string_view value) {
  std::vector<ConnectionId> ids;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    if (auto id = ConnectionId::parse(value.substr(0, end))) ids.push_back(*id);
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return ids;
}

// A group's value is a number, a user's id is longer than any number.
Presence parse_presence(const NodeKey& node, std::string_view value) {
  Presence presence{node, 0, {}};
  if (value.size() < ConnectionId::kLength) {
    std::from_chars(value.data(), value.data() + value.size(), presence.count);
  } else {
    presence.connections = parse_ids(value);
    presence.count = presence.connections.size();
  }
  return presence;
}

}  // namespace

void NameStore::start() {
  stop();
  is_writing_ = true;
  ++epoch_;
  waiting_.resize(scope_.keys.shards());
  scope_.loop.deadlines().arm(refresh_, scope_.jitter(kRefreshMs * 9 / 10, kRefreshMs));
  scope_.loop.deadlines().arm(sweep_, kSweepMs);
}

void NameStore::stop() {
  is_writing_ = false;
  told_.clear();
  waiting_.clear();
  writes_.clear();
  pages_.clear();
  counts_.cancel();
  sweep_.cancel();
  refresh_.cancel();
  soon_.cancel();
}

void NameStore::leave() {
  if (!is_writing_) return;
  for (Waiting& waiting : waiting_) waiting.are_counts_due = true;
  flush();
  ++epoch_;
  begin_paging(Script::kSweepNames);
}

void NameStore::set(const Name& name, std::size_t count,
                    const std::vector<ConnectionId>& connections) {
  if (!is_writing_) return;
  std::string member = Keys::member(name);
  Waiting& waiting = waiting_[scope_.keys.shard_of(name)];
  const bool is_first = count != 0 && told_.insert(member).second;
  if (count == 0) told_.erase(member);
  if (count == 0 || is_first || waiting.at_once.contains(member)) {
    waiting.counts.erase(member);
    waiting.at_once.insert_or_assign(std::move(member), value_of(name.kind, count, connections));
    scope_.loop.soon().arm(soon_);
  } else {
    waiting.counts.insert_or_assign(std::move(member), value_of(name.kind, count, connections));
    if (!counts_.is_armed()) scope_.loop.deadlines().arm(counts_, kCountMs);
  }
}

void NameStore::on_soon(net::Soon&) { flush(); }

void NameStore::on_deadline(net::Deadline& deadline) {
  if (&deadline == &counts_) {
    for (Waiting& waiting : waiting_) waiting.are_counts_due = true;
    flush();
  } else if (&deadline == &sweep_) {
    if (is_all_written()) {
      begin_paging(Script::kSweepNames);
    } else {
      scope_.loop.deadlines().arm(sweep_, kCountMs);
    }
  } else {
    begin_paging(Script::kRefreshNames);
    scope_.loop.deadlines().arm(refresh_, kRefreshMs);
  }
}

bool NameStore::is_all_written() const {
  return std::all_of(waiting_.begin(), waiting_.end(), [](const Waiting& waiting) {
    return waiting.at_once.empty() && waiting.under_way == 0;
  });
}

void NameStore::flush() {
  for (Shard shard = 0; shard < waiting_.size(); ++shard) flush(shard);
}

void NameStore::flush(Shard shard) {
  Waiting& waiting = waiting_[shard];
  while (waiting.under_way < kMaxBatches) {
    if (!waiting.at_once.empty()) {
      write_batch(shard, waiting.at_once);
    } else if (waiting.are_counts_due && !waiting.counts.empty()) {
      write_batch(shard, waiting.counts);
    } else {
      waiting.are_counts_due = false;
      return;
    }
  }
}

void NameStore::write_batch(Shard shard, Changes& changes) {
  const std::string start = scope_.keys.start(shard);
  std::vector<std::string> keys{scope_.keys.dead(shard, scope_.node),
                                scope_.keys.members(shard, scope_.node)};
  std::vector<std::string> arguments{scope_.node, std::to_string(kNameTtlMs),
                                     std::to_string(scope_.record_ms), std::to_string(epoch_),
                                     std::to_string(start.size() + 1)};
  std::size_t bytes = 0;
  for (std::size_t n = 0; n < kBatchNames && bytes < kBatchBytes && !changes.empty(); ++n) {
    auto change = changes.extract(changes.begin());
    keys.push_back(start + change.key());
    arguments.push_back(std::move(change.mapped()));
    bytes += keys.back().size() + arguments.back().size();
  }
  const std::vector<std::string_view> key_views(keys.begin(), keys.end());
  const std::vector<std::string_view> argument_views(arguments.begin(), arguments.end());
  ++waiting_[shard].under_way;
  writes_.emplace(++last_command_, shard);
  scope_.run(shard, Script::kSetNames, key_views, argument_views, last_command_, this);
}

void NameStore::lookup(const Name& name, Ticket ticket) {
  const Shard shard = scope_.keys.shard_of(name);
  const std::string up = scope_.keys.up(shard);
  const std::string key = scope_.keys.name(shard, name);
  const std::string_view keys[] = {up, key};
  const std::string_view arguments[] = {scope_.node};
  lookups_.emplace(++last_command_, ticket);
  scope_.run(shard, Script::kLookup, keys, arguments, last_command_, this);
}

void NameStore::begin_paging(Script script) {
  for (Shard shard = 0; shard < scope_.keys.shards(); ++shard) ask_page({script, shard, 0});
}

void NameStore::ask_page(const Paging& paging) {
  const Keys& keys = scope_.keys;
  const Shard shard = paging.shard;
  const std::string limit = std::to_string(kPage);
  const std::string start = keys.start(shard);
  const std::string dead = keys.dead(shard, scope_.node);
  const std::string members = keys.members(shard, scope_.node);
  pages_.emplace(++last_command_, paging);
  if (paging.script == Script::kSweepNames) {
    const std::string epoch = std::to_string(epoch_);
    const std::string_view script_keys[] = {dead, members};
    const std::string_view arguments[] = {scope_.node, epoch, start, limit};
    scope_.run(shard, paging.script, script_keys, arguments, last_command_, this);
    return;
  }
  const std::string up = keys.up(shard);
  const std::string numbers = keys.numbers(shard, scope_.node);
  const std::string name_ttl = std::to_string(kNameTtlMs);
  const std::string members_ttl = std::to_string(scope_.record_ms);
  const std::string offset = std::to_string(paging.offset);
  const std::string_view script_keys[] = {dead, members, up, numbers};
  const std::string_view arguments[] = {scope_.node, name_ttl, members_ttl, start, offset, limit};
  scope_.run(shard, paging.script, script_keys, arguments, last_command_, this);
}

void NameStore::on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) {
  const bool is_fenced = pass_on_fence(scope_, reply);
  pass_on_forgotten(scope_, reply);
  if (const auto lookup = lookups_.extract(command)) {
    on_lookup_reply(lookup.mapped(), fate, reply);
  } else if (const auto page = pages_.extract(command)) {
    if (!is_fenced) on_page(page.mapped(), fate, reply);
  } else if (const auto write = writes_.extract(command)) {
    const bool is_written = fate == redis::Fate::kAnswered && !reply.is_error();
    if (!is_written && !is_fenced) scope_.owner->on_data_lost();
    --waiting_[write.mapped()].under_way;
    flush(write.mapped());
  }
}

void NameStore::on_lookup_reply(Ticket ticket, redis::Fate fate, const redis::Reply& reply) {
  if (fate != redis::Fate::kAnswered || reply.array() == nullptr) {
    scope_.listener->on_lookup(ticket, std::nullopt);
    return;
  }
  std::vector<Presence> presences;
  for (std::size_t i = 0; i + 1 < reply.array()->size(); i += 2) {
    const std::string* const text = reply.at(i).string();
    const std::string* const value = reply.at(i + 1).string();
    const auto node = text != nullptr ? parse_node(*text) : std::nullopt;
    if (node && value != nullptr) presences.push_back(parse_presence(*node, *value));
  }
  scope_.listener->on_lookup(ticket, presences);
}

// What failed while the link stays up is tried again: a sweep soon, a refresh the next time.
void NameStore::on_page(const Paging& paging, redis::Fate fate, const redis::Reply& reply) {
  const bool is_sweep = paging.script == Script::kSweepNames;
  const std::int64_t* const seen = is_sweep ? reply.integer() : reply.at(0).integer();
  const std::int64_t* const missing = reply.at(1).integer();
  if (fate != redis::Fate::kAnswered || seen == nullptr) {
    if (is_sweep) scope_.loop.deadlines().arm(sweep_, kSweepMs);
  } else if (missing != nullptr && *missing > 0) {
    scope_.owner->on_data_lost();
  } else if (*seen == static_cast<std::int64_t>(kPage)) {
    // What was swept is no longer there, what was renewed is.
    ask_page({paging.script, paging.shard, is_sweep ? 0 : paging.offset + kPage});
  }
}

}  // namespace sockhook::backplane
