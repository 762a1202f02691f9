#include "backplane/redis/takeover.h"

#include <algorithm>
#include <utility>

#include "proxy/observe/log.h"

namespace sockhook::backplane {

using observe::Level;
using observe::LogLine;
using Step = Estate::Step;

// ---- what is this node's

void TakeOver::sync(Shard shard, const std::vector<Taken>& taken) {
  is_working_ = true;
  std::erase_if(estates_, [&](const auto& entry) {
    const Estate& estate = *entry.second;
    return estate.home == shard && std::none_of(taken.begin(), taken.end(), [&](const Taken& own) {
             return own.owner.key == estate.owner.key;
           });
  });
  for (const Taken& own : taken) adopt(own);
  scope_.loop.soon().arm(soon_);
}

void TakeOver::adopt(const Taken& taken) {
  const auto [entry, is_new] = estates_.try_emplace(node_text(taken.owner.key));
  if (!is_new) return;
  entry->second = std::make_unique<Estate>(taken, scope_.keys);
  LogLine(Level::kInfo, "taking over from a dead node")
      .field("node", taken.owner.name)
      .field("reason", taken.reason);
  scope_.loop.soon().arm(soon_);
}

std::vector<std::string> TakeOver::held(Shard shard) const {
  std::vector<std::string> nodes;
  for (const auto& [node, estate] : estates_) {
    if (estate->home == shard && estate->end != Step::kUnderWay) nodes.push_back(node);
  }
  return nodes;
}

void TakeOver::finish_orphan(const NodeKey& owner, const ConnectionId& id) {
  const auto found = estates_.find(node_text(owner));
  if (found == estates_.end() || found->second->unfinished.erase(id) == 0) return;
  found->second->finished.push_back(id.to_string());
  scope_.loop.soon().arm(soon_);
}

void TakeOver::stop() {
  is_working_ = false;
  for (auto& [command, asked] : asked_) {
    const auto found = estates_.find(asked.node);
    if (found != estates_.end()) on_erased(*found->second, asked, false);
  }
  asked_.clear();
  for (const auto& [node, estate] : estates_) estate->interrupt();
}

void TakeOver::begin_life() {
  stop();
  estates_.clear();
}

void TakeOver::leave() {
  if (!is_working_) return;
  for (const auto& [node, estate] : estates_) erase_finished(*estate);
  begin_life();
}

// ---- one step after the other

void TakeOver::on_soon(net::Soon&) {
  std::vector<std::string> nodes;
  for (const auto& [node, estate] : estates_) nodes.push_back(node);
  // The listener may call back in between.
  for (const std::string& node : nodes) {
    const auto found = estates_.find(node);
    if (is_working_ && found != estates_.end()) advance(*found->second);
  }
}

void TakeOver::advance(Estate& estate) {
  erase_finished(estate);
  if (estate.list == Step::kToDo && estate.waiting.size() < Backplane::kOrphanPage) {
    ask_page(estate);
  }
  for (Shard shard = 0; shard < scope_.keys.shards(); ++shard) {
    if (estate.names[shard] == Step::kToDo) clean(estate, shard);
  }
  if (estate.is_all_done() && estate.end == Step::kToDo) finish(estate);
  hand_out(estate);
}

// Last, for the listener may do anything.
void TakeOver::hand_out(Estate& estate) {
  if (estate.waiting.empty() || estate.unfinished.size() > Backplane::kOrphanPage / 2) return;
  const std::size_t size = std::min(estate.waiting.size(), Backplane::kOrphanPage);
  const auto first = estate.waiting.end() - static_cast<std::ptrdiff_t>(size);
  std::vector<Record> page(std::make_move_iterator(first),
                           std::make_move_iterator(estate.waiting.end()));
  estate.waiting.erase(first, estate.waiting.end());
  for (const Record& record : page) estate.unfinished.insert(record.id);
  if (!estate.waiting.empty() || estate.list == Step::kToDo) scope_.loop.soon().arm(soon_);
  scope_.listener->on_orphans(estate.owner, std::move(page));
}

// ---- what Redis is asked

void TakeOver::run(const Estate& estate, Kind kind, Shard shard,
                   const std::vector<std::string>& keys,
                   const std::vector<std::string>& arguments) {
  static constexpr Script kScripts[] = {Script::kTakePage, Script::kEraseOrphans,
                                        Script::kCleanNames, Script::kFinishTakeOver};
  const std::vector<std::string_view> key_views(keys.begin(), keys.end());
  const std::vector<std::string_view> argument_views(arguments.begin(), arguments.end());
  asked_.emplace(++last_command_, Asked{estate.node, kind, shard, {}});
  scope_.run(shard, kScripts[static_cast<std::size_t>(kind)], key_views, argument_views,
             last_command_, this);
}

void TakeOver::erase_finished(Estate& estate) {
  if (estate.finished.empty()) return;
  const Keys& keys = scope_.keys;
  std::vector<std::string> arguments{scope_.node, estate.node};
  arguments.insert(arguments.end(), estate.finished.begin(), estate.finished.end());
  run(estate, Kind::kErase, estate.home,
      {keys.dead(estate.home, scope_.node), keys.takers(estate.home),
       keys.records(estate.home, estate.node)},
      arguments);
  asked_[last_command_].erased = std::exchange(estate.finished, {});
}

void TakeOver::ask_page(Estate& estate) {
  const Keys& keys = scope_.keys;
  estate.list = Step::kUnderWay;
  run(estate, Kind::kPage, estate.home,
      {keys.dead(estate.home, scope_.node), keys.takers(estate.home),
       keys.records(estate.home, estate.node)},
      {scope_.node, estate.node, estate.cursor, std::to_string(Backplane::kOrphanPage)});
}

void TakeOver::clean(Estate& estate, Shard shard) {
  const Keys& keys = scope_.keys;
  estate.names[shard] = Step::kUnderWay;
  std::vector<std::string> script_keys{keys.dead(shard, scope_.node),
                                       keys.dead(shard, estate.node),
                                       keys.up(shard),
                                       keys.names(shard),
                                       keys.members(shard, estate.node),
                                       keys.numbers(shard, estate.node)};
  if (shard == Keys::kIdShard) script_keys.push_back(keys.id(estate.owner.name));
  run(estate, Kind::kClean, shard, script_keys,
      {estate.node, estate.reason, std::to_string(scope_.record_ms), keys.start(shard),
       std::to_string(kCleanPage), shard == estate.home ? "1" : "0"});
}

void TakeOver::finish(Estate& estate) {
  const Keys& keys = scope_.keys;
  estate.end = Step::kUnderWay;
  run(estate, Kind::kFinish, estate.home,
      {keys.dead(estate.home, scope_.node), keys.names(estate.home), keys.leases(estate.home),
       keys.takers(estate.home), keys.records(estate.home, estate.node)},
      {scope_.node, estate.node});
}

// ---- what Redis answers

void TakeOver::on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) {
  const auto asked = asked_.extract(command);
  if (asked.empty() || pass_on_fence(scope_, reply)) return;
  const auto found = estates_.find(asked.mapped().node);
  if (found == estates_.end()) return;
  Estate& estate = *found->second;
  const bool is_answered = fate == redis::Fate::kAnswered && !reply.is_error();
  switch (asked.mapped().kind) {
    case Kind::kPage:
      on_page(estate, reply);
      break;
    case Kind::kErase:
      on_erased(estate, asked.mapped(), is_answered);
      break;
    case Kind::kClean:
      on_cleaned(estate, asked.mapped().shard, reply);
      break;
    case Kind::kFinish:
      on_finished(estate, reply);
      break;
  }
}

// One that failed, or is another's: the next heartbeat tells.
void TakeOver::on_page(Estate& estate, const redis::Reply& reply) {
  const std::string* const cursor = reply.at(0).string();
  const redis::Reply& records = reply.at(1);
  if (cursor == nullptr || records.array() == nullptr) {
    estate.read_again();
    return;
  }
  for (std::size_t i = 0; i + 1 < records.array()->size(); i += 2) {
    const std::string* const text = records.at(i).string();
    const std::string* const data = records.at(i + 1).string();
    if (text == nullptr || data == nullptr) continue;
    const auto id = ConnectionId::parse(*text);
    if (!id) {
      estate.finished.push_back(*text);  // nobody could be told of it
    } else if (estate.open.insert(*id).second) {
      estate.waiting.push_back({*id, *data});
    }
  }
  estate.cursor = *cursor;
  estate.list = *cursor == Estate::kFront ? Step::kDone : Step::kToDo;
  scope_.loop.soon().arm(soon_);
}

void TakeOver::on_erased(Estate& estate, const Asked& asked, bool is_done) {
  for (const std::string& text : asked.erased) {
    const auto id = ConnectionId::parse(text);
    if (!is_done) {
      estate.finished.push_back(text);
    } else if (id) {
      estate.open.erase(*id);
    }
  }
  if (is_done) scope_.loop.soon().arm(soon_);
}

void TakeOver::on_cleaned(Estate& estate, Shard shard, const redis::Reply& reply) {
  const std::int64_t* const more = reply.integer();
  if (more == nullptr) {
    estate.names[shard] = Step::kToDo;
    return;
  }
  estate.names[shard] = *more != 0 ? Step::kToDo : Step::kDone;
  scope_.loop.soon().arm(soon_);
}

void TakeOver::on_finished(Estate& estate, const redis::Reply& reply) {
  const std::int64_t* const is_gone = reply.integer();
  if (is_gone == nullptr || *is_gone == 0) {
    estate.end = Step::kToDo;
    estate.read_again();
    return;
  }
  LogLine(Level::kInfo, "taken over from a dead node").field("node", estate.owner.name);
  estates_.erase(estate.node);
}

}  // namespace sockhook::backplane
