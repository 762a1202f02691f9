// OperationLane: the operations of one key from the stream, one after the other.
//
//   kFree        the next one may start
//   kStarted     one is under way: the next waits for its answer. Behind a send to many, which
//                was submitted, it waits for kHoldMs at most: what can refuse such a send is on
//                this node and answers sooner, and a node that does not answer shall not hold up
//                the others
//   kBackingOff  one was answered 503 or 504: it is started again, before the others
//
// Whatever else an operation is answered is final.
//
// Owner: the OperationReader, which destroys it in on_lane_empty, or with itself: then the calls
// under way are forgotten. Thread: the control loop's.

#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

#include "proxy/management/management_api.h"
#include "proxy/net/loop.h"

namespace sockhook::management {

struct LaneOperation {
  std::string entry;
  std::string reply;  // empty: nobody wants the outcome
  BatchLine line;
  bool is_send_to_many = false;
  unsigned tries = 0;
  bool is_withdrawn = false;  // not to be tried again
};

class OperationLane;

class LaneOwner {
 public:
  virtual void on_operation_answered(const LaneOperation& operation, const Answer& answer) = 0;
  virtual void on_operation_retried() = 0;
  // It was withdrawn and has not been carried out, or nobody knows.
  virtual void on_operation_dropped(const LaneOperation& operation) = 0;
  // Nothing is under way and nothing waits. Destroys the lane.
  virtual void on_lane_empty(OperationLane& lane) = 0;

 protected:
  ~LaneOwner() = default;
};

class OperationLane final : CallListener, net::DeadlineListener {
 public:
  static constexpr std::uint64_t kHoldMs = 20;
  static constexpr std::uint64_t kFirstRetryMs = 50;
  static constexpr std::uint64_t kLastRetryMs = 2000;

  OperationLane(net::Loop& loop, ManagementApi& api, std::string key, LaneOwner* owner)
      : loop_(loop), api_(api), key_(std::move(key)), owner_(owner) {}
  ~OperationLane();
  OperationLane(const OperationLane&) = delete;
  OperationLane& operator=(const OperationLane&) = delete;

  const std::string& key() const { return key_; }
  // May destroy the lane, as all that follow.
  void add(LaneOperation operation);
  // Drops what has not been started; what is under way is not tried again.
  void withdraw();

 private:
  enum class State : std::uint8_t { kFree, kStarted, kBackingOff };

  void advance();
  void start_next();
  void settle(LaneOperation operation, const Answer& answer);
  void end_if_empty();

  void on_call_submitted(CallId call) override;
  void on_call_answered(CallId call, Answer& answer) override;
  void on_deadline(net::Deadline& deadline) override;

  net::Loop& loop_;
  ManagementApi& api_;
  const std::string key_;
  LaneOwner* const owner_;
  const Caller everybody_;
  State state_ = State::kFree;
  CallId current_ = 0;  // kStarted
  std::deque<LaneOperation> waiting_;
  std::unordered_map<CallId, LaneOperation> under_way_;
  net::Deadline deadline_{this};
};

}  // namespace sockhook::management
