#include "backplane/redis/redis_backplane.h"

#include <algorithm>
#include <utility>

#include "proxy/observe/log.h"

namespace sockhook::backplane {

using observe::Level;
using observe::LogLine;

namespace {

std::uint64_t milliseconds(conf::Duration duration) {
  return static_cast<std::uint64_t>(duration.count());
}

}  // namespace

RedisBackplane::RedisBackplane(net::Loop& loop, const conf::Redis& conf, std::uint64_t record_ms)
    : client_(loop, conf, script_sources(), "sockhook", this),
      scope_{.loop = loop,
             .client = client_,
             .owner = this,
             .keys = Keys(conf.prefix, client_.shards()),
             .heartbeat_ms = milliseconds(conf.heartbeat),
             .lease_ms = milliseconds(conf.lease),
             .record_ms = record_ms} {}

RedisBackplane::~RedisBackplane() = default;

Backplane::State RedisBackplane::state() const {
  return phase_ == Phase::kUp ? State::kUp : State::kDown;
}

// ---- the node's own life

void RedisBackplane::start(const NodeInfo& self, BackplaneListener* listener) {
  scope_.listener = listener;
  become(self);
  phase_ = Phase::kDown;
  client_.start();
}

void RedisBackplane::become(const NodeInfo& self) {
  scope_.self = self;
  scope_.node = node_text(self.key);
  for (Shard shard = 0; shard < scope_.keys.shards(); ++shard) {
    client_.subscribe(shard, scope_.keys.channel(shard, scope_.node));
  }
}

void RedisBackplane::restart(const NodeKey& fresh) {
  for (Shard shard = 0; shard < scope_.keys.shards(); ++shard) {
    client_.unsubscribe(shard, scope_.keys.channel(shard, scope_.node));
  }
  mail_.restart();
  leases_.begin_life();
  records_.begin_life();
  take_over_.begin_life();
  become({fresh, scope_.self.name});
  phase_ = Phase::kDown;
  // No answer to the life before can reach this one.
  client_.restart();
}

void RedisBackplane::leave() {
  const bool can_write = phase_ == Phase::kUp || phase_ == Phase::kRegistering;
  if (can_write) {
    names_.leave();
    records_.leave();
    take_over_.leave();
  }
  stop_parts();
  phase_ = Phase::kLeaving;
  if (can_write) {
    leases_.leave();
    scope_.loop.deadlines().arm(last_words_, kCommandMs);
  } else {
    client_.stop();
  }
}

void RedisBackplane::stop_parts() {
  names_.stop();
  records_.stop();
  take_over_.stop();
  leases_.stop();
  self_test_.stop();
  repair_.cancel();
}

// ---- the link

void RedisBackplane::on_up() {
  if (phase_ != Phase::kDown) return;
  phase_ = Phase::kRegistering;
  leases_.start();
  self_test_.start();
}

void RedisBackplane::on_down() { go_down("the link is down"); }

void RedisBackplane::go_down(std::string_view reason) {
  if (phase_ != Phase::kRegistering && phase_ != Phase::kUp) return;
  const bool was_up = phase_ == Phase::kUp;
  phase_ = Phase::kDown;
  stop_parts();
  if (!was_up) return;
  LogLine(Level::kWarn, "backplane down").field("reason", reason);
  scope_.listener->on_down();
}

void RedisBackplane::on_resubscribed(Shard) {}

void RedisBackplane::on_message(Shard shard, std::string_view, std::string_view payload) {
  if (!payload.empty() && payload.front() == SelfTest::kMark) {
    self_test_.on_message(shard, payload);
  } else {
    mail_.on_message(shard, payload);
  }
}

void RedisBackplane::on_loop_closed() { advance(); }

void RedisBackplane::on_loop_broken() {
  go_down("messages to itself do not come back");
  client_.restart();
}

// To kUp, once the loop is closed and the node registered.
void RedisBackplane::advance() {
  const bool is_joined = leases_.is_registered() && self_test_.loop_us();
  if (phase_ != Phase::kRegistering || !is_joined) return;
  phase_ = Phase::kUp;
  names_.start();
  records_.start();
  LogLine(Level::kInfo, "backplane up");
  scope_.listener->on_up();
  scope_.loop.deadlines().arm(repair_, scope_.jitter(0, kRepairJitterMs));
}

// ---- what parts report

void RedisBackplane::on_fenced(FenceReason reason) {
  if (phase_ != Phase::kRegistering && phase_ != Phase::kUp) return;
  phase_ = Phase::kFenced;
  stop_parts();
  LogLine(Level::kWarn, "declared dead")
      .field("reason", reason == FenceReason::kLost ? "lost" : "replaced");
  scope_.listener->on_fenced(reason);
}

void RedisBackplane::on_forgotten() {
  if (phase_ == Phase::kUp) scope_.listener->on_data_lost();
  leases_.hurry();
}

void RedisBackplane::on_data_lost() {
  if (phase_ != Phase::kUp) return;
  scope_.listener->on_data_lost();
  if (repair_.is_armed()) return;
  scope_.loop.deadlines().arm(repair_, scope_.jitter(kRepairEveryMs, 2 * kRepairEveryMs));
}

void RedisBackplane::on_deadline(net::Deadline& deadline) {
  if (&deadline == &last_words_) {
    client_.stop();
    return;
  }
  // Before everything is told again: what is not, is taken back.
  names_.start();
  records_.start();
  scope_.listener->on_repair();
}

void RedisBackplane::on_stopped() {
  last_words_.cancel();
  phase_ = Phase::kStopped;
  scope_.listener->on_left();
}

}  // namespace sockhook::backplane
