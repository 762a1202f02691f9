#include "backplane/redis/lease_keeper.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "proxy/observe/log.h"

namespace sockhook::backplane {

using observe::Level;
using observe::LogLine;

namespace {

std::int64_t integer_at(const redis::Reply& reply, std::size_t index) {
  const std::int64_t* const value = reply.at(index).integer();
  return value != nullptr ? *value : 0;
}

std::string string_at(const redis::Reply& reply, std::size_t index) {
  const std::string* const value = reply.at(index).string();
  return value != nullptr ? *value : std::string();
}

std::vector<Taken> parse_taken(const redis::Reply& reply) {
  std::vector<Taken> taken;
  const std::size_t size = reply.array() != nullptr ? reply.array()->size() : 0;
  for (std::size_t i = 0; i + 2 < size; i += 3) {
    const auto key = parse_node(string_at(reply, i));
    if (key) taken.push_back({node_info(*key, string_at(reply, i + 1)), string_at(reply, i + 2)});
  }
  return taken;
}

}  // namespace

// ---- phases

void LeaseKeeper::start() {
  phase_ = Phase::kRegistering;
  shards_.resize(scope_.keys.shards());
  for (ShardState& shard : shards_) shard.is_registered = false;
  on_deadline(deadline_);
}

void LeaseKeeper::stop() {
  phase_ = Phase::kIdle;
  asked_.clear();
  neighbours_.stop();
  deadline_.cancel();
}

void LeaseKeeper::begin_life() {
  stop();
  is_new_ = false;
  former_ = scope_.node;
  older_.clear();
  lease_until_ms_ = 0;
}

void LeaseKeeper::advance() {
  const bool is_everywhere = std::all_of(
      shards_.begin(), shards_.end(), [](const ShardState& shard) { return shard.is_registered; });
  const bool is_first = older_.empty() && knows_others();
  if (phase_ != Phase::kRegistering || !is_everywhere || !is_first) return;
  phase_ = Phase::kRegistered;
  is_new_ = false;
  claim_after_ms_ = scope_.loop.now_ms() + scope_.lease_ms;
  owner_->on_registered();
}

std::uint64_t LeaseKeeper::retry_ms() const {
  return std::min(kMaxRetryMs, scope_.heartbeat_ms / 4);
}

std::uint64_t LeaseKeeper::slack_ms() const {
  return (scope_.lease_ms - std::min(scope_.lease_ms, scope_.heartbeat_ms)) / 4;
}

// On a busy machine an answer may take as long.
std::int64_t LeaseKeeper::tolerance_ms() const {
  return static_cast<std::int64_t>(std::max(kMinToleranceMs, slack_ms()));
}

// Which lists a heartbeat may take there.
std::string_view LeaseKeeper::claims(const ShardState& shard) const {
  if (is_retired_) return "none";
  const bool may_expire =
      phase_ == Phase::kRegistered && shard.time_ms && scope_.loop.now_ms() >= claim_after_ms_;
  return may_expire ? "expired" : "handed over";
}

void LeaseKeeper::hurry() {
  if (phase_ != Phase::kRegistered || std::exchange(is_hurried_, true)) return;
  scope_.loop.deadlines().arm(deadline_, 0);
}

void LeaseKeeper::on_deadline(net::Deadline&) {
  beat();
  if (!older_.empty()) replace();
}

// ---- what Redis is told

void LeaseKeeper::beat() {
  const std::uint64_t now_ms = scope_.loop.now_ms();
  if (now_ms >= lease_until_ms_) {
    claim_after_ms_ = std::max(claim_after_ms_, now_ms + scope_.lease_ms);
  }
  for (Shard shard = 0; shard < scope_.keys.shards(); ++shard) beat(shard);
  const bool is_registering = phase_ == Phase::kRegistering;
  const std::uint64_t longest_ms = is_registering ? retry_ms() : scope_.heartbeat_ms;
  scope_.loop.deadlines().arm(deadline_, scope_.jitter(longest_ms * 9 / 10, longest_ms));
}

void LeaseKeeper::beat(Shard shard) {
  const Keys& keys = scope_.keys;
  const ShardState& state = shards_[shard];
  const std::string& node = scope_.node;
  std::vector<std::string> script_keys{keys.dead(shard, node),    keys.up(shard),
                                       keys.names(shard),         keys.leases(shard),
                                       keys.takers(shard),        keys.members(shard, node),
                                       keys.records(shard, node), keys.numbers(shard, node)};
  if (shard == Keys::kIdShard) script_keys.push_back(keys.id(scope_.self.name));
  std::string expected;
  if (state.time_ms) {
    const auto passed_ms = static_cast<std::int64_t>(scope_.loop.now_ms() - state.sent_ms);
    expected = std::to_string(*state.time_ms + passed_ms);
  }
  const bool is_home = shard == keys.home(scope_.self.key);
  std::vector<std::string> arguments{node,
                                     scope_.self.name,
                                     std::to_string(scope_.lease_ms),
                                     std::to_string(scope_.record_ms),
                                     keys.start(shard),
                                     is_home ? "1" : "0",
                                     std::string(claims(state)),
                                     expected,
                                     std::to_string(tolerance_ms()),
                                     is_new_ ? "1" : "0",
                                     former_};
  for (std::string& held : take_over_.held(shard)) arguments.push_back(std::move(held));
  run(Kind::kBeat, shard, script_keys, arguments);
}

void LeaseKeeper::replace() {
  const Keys& keys = scope_.keys;
  const auto older = parse_node(older_);
  if (!older) return older_.clear();
  const Shard home = keys.home(*older);
  run(Kind::kReplace, home,
      {keys.dead(home, scope_.node), keys.dead(home, older_), keys.up(home), keys.names(home),
       keys.leases(home), keys.takers(home)},
      {scope_.node, older_, std::to_string(scope_.lease_ms), std::to_string(scope_.record_ms)});
}

void LeaseKeeper::leave() {
  stop();
  phase_ = Phase::kLeaving;
  const Shard home = scope_.keys.home(scope_.self.key);
  last_words_ = scope_.keys.shards() - 1;
  for (Shard shard = 0; shard < scope_.keys.shards(); ++shard) {
    if (shard != home) say_farewell(shard);
  }
  if (last_words_ == 0) say_farewell(home);
}

void LeaseKeeper::say_farewell(Shard shard) {
  const Keys& keys = scope_.keys;
  const std::string& node = scope_.node;
  std::vector<std::string> script_keys{keys.dead(shard, node),    keys.up(shard),
                                       keys.names(shard),         keys.leases(shard),
                                       keys.takers(shard),        keys.members(shard, node),
                                       keys.records(shard, node), keys.numbers(shard, node)};
  if (shard == Keys::kIdShard) script_keys.push_back(keys.id(scope_.self.name));
  const bool is_home = shard == keys.home(scope_.self.key);
  run(Kind::kLeave, shard, script_keys, {node, is_home ? "1" : "0", is_name_left_ ? "1" : "0"});
}

void LeaseKeeper::run(Kind kind, Shard shard, const std::vector<std::string>& keys,
                      const std::vector<std::string>& arguments) {
  static constexpr Script kScripts[] = {Script::kBeat, Script::kReplace, Script::kLeave};
  const std::vector<std::string_view> key_views(keys.begin(), keys.end());
  const std::vector<std::string_view> argument_views(arguments.begin(), arguments.end());
  asked_.emplace(++last_command_, Asked{kind, shard, scope_.loop.now_ms()});
  scope_.run(shard, kScripts[static_cast<std::size_t>(kind)], key_views, argument_views,
             last_command_, this);
}

// ---- what Redis answers

void LeaseKeeper::on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) {
  const auto found = asked_.extract(command);
  if (found.empty()) return;
  const Asked& asked = found.mapped();
  if (asked.kind == Kind::kLeave) {
    on_last_word(asked.shard, reply);
  } else if (pass_on_fence(scope_, reply)) {
    return;
  } else if (fate != redis::Fate::kAnswered || reply.array() == nullptr) {
    on_refused(reply);
  } else if (asked.kind == Kind::kBeat) {
    on_beat(asked, reply);
  } else {
    on_replaced(reply);
  }
}

// Logged once for each reason; it may be one that stays, such as a right that the user lacks.
void LeaseKeeper::on_refused(const redis::Reply& reply) {
  is_hurried_ = false;
  if (reported_error_ != reply.error()) {
    reported_error_ = reply.error();
    LogLine(Level::kWarn, "a heartbeat was not taken").field("error", reported_error_);
  }
  scope_.loop.deadlines().arm(deadline_, retry_ms());
}

void LeaseKeeper::on_beat(const Asked& asked, const redis::Reply& reply) {
  reported_error_.clear();
  is_hurried_ = false;
  ShardState& state = shards_[asked.shard];
  const bool was_registered = std::exchange(state.is_registered, true);
  const bool was_known = integer_at(reply, 1) != 0;
  note_clock(asked, integer_at(reply, 0), integer_at(reply, 2));
  take_over_.sync(asked.shard, parse_taken(reply.at(4)));
  if (std::string older = string_at(reply, 3); !older.empty()) {
    older_ = std::move(older);
    replace();
  }
  if (was_registered && !was_known) scope_.owner->on_data_lost();
  if (asked.shard == scope_.keys.home(scope_.self.key)) {
    neighbours_.note(reply.at(5));
    note_lease(asked);
  }
  advance();
}

void LeaseKeeper::note_clock(const Asked& asked, std::int64_t time_ms, std::int64_t skew_ms) {
  ShardState& state = shards_[asked.shard];
  state.time_ms = time_ms;
  state.sent_ms = asked.sent_ms;
  const auto jump_ms = static_cast<std::uint64_t>(std::abs(skew_ms));
  if (jump_ms <= static_cast<std::uint64_t>(tolerance_ms())) return;
  LogLine(Level::kWarn, "the clock of Redis has jumped, or it stood still").field("ms", jump_ms);
  claim_after_ms_ = scope_.loop.now_ms() + scope_.lease_ms;
  if (jump_ms >= kLongJumpMs) scope_.owner->on_data_lost();
}

// An answer that comes after its lease, to a node that stood still, grants nothing: the next one
// tells.
void LeaseKeeper::note_lease(const Asked& asked) {
  if (phase_ != Phase::kRegistering && phase_ != Phase::kRegistered) return;
  const std::uint64_t until_ms = asked.sent_ms + scope_.lease_ms - slack_ms();
  if (until_ms <= scope_.loop.now_ms()) {
    scope_.loop.deadlines().arm(deadline_, 0);
    return;
  }
  lease_until_ms_ = std::max(lease_until_ms_, until_ms);
  scope_.listener->on_lease(lease_until_ms_);
}

void LeaseKeeper::on_replaced(const redis::Reply& reply) {
  const auto older = parse_node(std::exchange(older_, {}));
  if (older && reply.array()->size() == 2) {
    take_over_.adopt({node_info(*older, string_at(reply, 0)), string_at(reply, 1)});
  }
  advance();
}

void LeaseKeeper::on_last_word(Shard shard, const redis::Reply& reply) {
  const std::int64_t* const is_left = reply.integer();
  if (shard == scope_.keys.home(scope_.self.key)) {
    stop();
    owner_->on_farewell();
    return;
  }
  if (is_left == nullptr || *is_left != 0) is_name_left_ = true;
  if (--last_words_ == 0) say_farewell(scope_.keys.home(scope_.self.key));
}

}  // namespace sockhook::backplane
