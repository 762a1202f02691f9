#include "proxy/management/operation_lane.h"

#include <algorithm>
#include <utility>

namespace sockhook::management {
namespace {

// Not carried out, or nobody knows: neither is an answer to an operation that must not be lost.
bool is_to_be_retried(const Answer& answer) { return answer.status == 503 || answer.status == 504; }

std::uint64_t retry_ms(unsigned tries) {
  constexpr unsigned kMaxDoublings = 8;
  return std::min(OperationLane::kFirstRetryMs << std::min(tries, kMaxDoublings),
                  OperationLane::kLastRetryMs);
}

}  // namespace

OperationLane::~OperationLane() {
  for (const auto& [call, operation] : under_way_) api_.forget(call);
}

void OperationLane::add(LaneOperation operation) {
  waiting_.push_back(std::move(operation));
  advance();
  end_if_empty();
}

void OperationLane::withdraw() {
  if (state_ == State::kBackingOff) {
    deadline_.cancel();
    state_ = State::kFree;
  }
  for (auto& [call, operation] : under_way_) operation.is_withdrawn = true;
  for (const LaneOperation& operation : std::exchange(waiting_, {})) {
    owner_->on_operation_dropped(operation);
  }
  end_if_empty();
}

void OperationLane::advance() {
  while (state_ == State::kFree && !waiting_.empty()) start_next();
}

void OperationLane::start_next() {
  LaneOperation operation = std::move(waiting_.front());
  waiting_.pop_front();
  StartedLine started = api_.start_line(operation.line, everybody_, this);
  if (started.started.answer) return settle(std::move(operation), *started.started.answer);
  state_ = State::kStarted;
  current_ = started.started.call;
  if (operation.is_send_to_many && started.is_submitted) loop_.deadlines().arm(deadline_, kHoldMs);
  under_way_.emplace(current_, std::move(operation));
}

void OperationLane::settle(LaneOperation operation, const Answer& answer) {
  if (!is_to_be_retried(answer)) return owner_->on_operation_answered(operation, answer);
  if (operation.is_withdrawn) return owner_->on_operation_dropped(operation);
  owner_->on_operation_retried();
  const std::uint64_t delay_ms = retry_ms(operation.tries++);
  waiting_.push_front(std::move(operation));
  if (state_ != State::kFree) return;  // it is next
  state_ = State::kBackingOff;
  loop_.deadlines().arm(deadline_, delay_ms);
}

void OperationLane::on_call_submitted(CallId call) {
  if (call != current_ || !under_way_.at(call).is_send_to_many) return;
  loop_.deadlines().arm(deadline_, kHoldMs);
}

void OperationLane::on_call_answered(CallId call, Answer& answer) {
  LaneOperation operation = std::move(under_way_.extract(call).mapped());
  if (call == current_) {
    current_ = 0;
    deadline_.cancel();
    state_ = State::kFree;
  }
  settle(std::move(operation), answer);
  advance();
  end_if_empty();
}

void OperationLane::on_deadline(net::Deadline&) {
  state_ = State::kFree;
  current_ = 0;
  advance();
  end_if_empty();
}

void OperationLane::end_if_empty() {
  if (waiting_.empty() && under_way_.empty()) owner_->on_lane_empty(*this);
}

}  // namespace sockhook::management
