#include "backplane/redis/self_test.h"

#include <algorithm>
#include <string>

namespace sockhook::backplane {

void SelfTest::start() {
  loop_us_.reset();
  is_out_.assign(scope_.keys.shards(), false);
  begin_round();
}

void SelfTest::stop() {
  deadline_.cancel();
  ++round_;  // what comes late belongs to no round
  out_ = 0;
}

void SelfTest::begin_round() {
  ++round_;
  begun_ = Clock::now();
  out_ = is_out_.size();
  std::fill(is_out_.begin(), is_out_.end(), true);
  const std::string message = kMark + std::to_string(round_);
  for (Shard shard = 0; shard < scope_.keys.shards(); ++shard) {
    const std::string channel = scope_.keys.channel(shard, scope_.node);
    const std::string_view command[] = {scope_.client.publish_command(), channel, message};
    scope_.client.command(shard, command, 0, nullptr);
  }
  scope_.loop.deadlines().arm(deadline_, kIntervalMs);
}

void SelfTest::on_message(Shard shard, std::string_view message) {
  if (out_ == 0 || shard >= is_out_.size() || !is_out_[shard]) return;
  if (message.substr(1) != std::to_string(round_)) return;
  is_out_[shard] = false;
  if (--out_ > 0) return;
  const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun_);
  loop_us_ = static_cast<std::uint64_t>(taken.count());
  owner_->on_loop_closed();
}

void SelfTest::on_deadline(net::Deadline&) {
  if (out_ == 0) {
    begin_round();
    return;
  }
  loop_us_.reset();
  stop();
  owner_->on_loop_broken();
}

}  // namespace sockhook::backplane
