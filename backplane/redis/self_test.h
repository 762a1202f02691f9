// SelfTest: a message to this node itself through each shard, every kIntervalMs. A link may look
// healthy and carry nothing: a subscription that the server has forgotten, a proxy in between.
//
// What has not come back when the next one is due has failed: the owner rebuilds the link. Until it
// starts the test again nothing is sent.
//
// Owner: the RedisBackplane. Thread: the loop's.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "backplane/redis/node_scope.h"
#include "proxy/net/deadline_wheel.h"

namespace sockhook::backplane {

class SelfTestOwner {
 public:
  // A round is complete: each shard has brought its message back.
  virtual void on_loop_closed() = 0;
  // It is not, in time; the test is stopped.
  virtual void on_loop_broken() = 0;

 protected:
  ~SelfTestOwner() = default;
};

class SelfTest final : private net::DeadlineListener {
 public:
  static constexpr std::uint64_t kIntervalMs = 2'000;
  // What its messages begin with; no other does.
  static constexpr char kMark = 't';

  SelfTest(NodeScope& scope, SelfTestOwner* owner) : scope_(scope), owner_(owner) {}

  // Begins, or begins anew, with a round at once.
  void start();
  void stop();
  // One that begins with kMark. May call on_loop_closed().
  void on_message(Shard shard, std::string_view message);

  // The slowest shard of the last complete round; absent before the first and after a failure.
  std::optional<std::uint64_t> loop_us() const { return loop_us_; }

 private:
  using Clock = std::chrono::steady_clock;

  void begin_round();
  void on_deadline(net::Deadline& deadline) override;

  NodeScope& scope_;
  SelfTestOwner* const owner_;
  std::uint64_t round_ = 0;
  Clock::time_point begun_;
  std::vector<bool> is_out_;  // by shard
  std::size_t out_ = 0;
  std::optional<std::uint64_t> loop_us_;
  net::Deadline deadline_{this};
};

}  // namespace sockhook::backplane
