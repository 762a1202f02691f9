#include "proxy/management/call_runner.h"

#include <utility>

#include "proxy/management/idempotency.h"

namespace sockhook::management {
namespace {

using observe::PushResult;
using observe::PushTarget;
using push::Delivery;
using push::PushOutcome;

PushResult to_result(Delivery delivery) {
  switch (delivery) {
    case Delivery::kDone:
      return PushResult::kDelivered;
    case Delivery::kHeld:
      return PushResult::kHeld;
    case Delivery::kGone:
      return PushResult::kGone;
    case Delivery::kTooLarge:
      return PushResult::kTooLarge;
    case Delivery::kSlow:
      return PushResult::kSlowClient;
    case Delivery::kForbidden:
      return PushResult::kForbidden;
  }
  return PushResult::kFailed;
}

// The alternatives of push::Target in their order.
PushTarget to_target(const push::Target& target) { return static_cast<PushTarget>(target.index()); }

}  // namespace

CallRunner::~CallRunner() { router_.forget(this); }

Started CallRunner::start(CallPlan plan, CallListener* listener) {
  const CallId id = new_id();
  Call& call = calls_.emplace(id, Call{std::move(plan), listener}).first->second;
  if (call.plan.claim) {
    backplane_.claim(*call.plan.claim, id, this);
  } else {
    submit(id, call);
  }
  if (call.state == State::kAnswered) {
    Started started{id, std::move(call.answer)};
    calls_.erase(id);
    return started;
  }
  call.is_starting = false;
  return {id, {}};
}

bool CallRunner::is_submitted(CallId id) const {
  const auto found = calls_.find(id);
  return found == calls_.end() || found->second.state != State::kClaiming;
}

void CallRunner::forget(CallId id) {
  const auto found = calls_.find(id);
  if (found != calls_.end()) found->second.listener = nullptr;
}

void CallRunner::submit(CallId id, Call& call) {
  CallPlan& plan = call.plan;
  call.state = State::kSubmitted;
  if (plan.verdict) {
    if (plan.verdict->code == ErrorCode::kGone) count_failure(call, PushResult::kGone);
    if (plan.verdict->code == ErrorCode::kTooLarge) count_failure(call, PushResult::kTooLarge);
    return fail(id, *plan.verdict);
  }

  const auto* list = std::get_if<push::List>(&plan.command.action);
  const auto* send = std::get_if<push::Send>(&plan.command.action);
  // Only a send may be left unawaited.
  const PushTarget send_target = send != nullptr ? to_target(send->target) : PushTarget::kCount;
  std::optional<push::Ticket> ticket;
  if (list != nullptr) {
    ticket = router_.submit_list(*list, plan.scope, plan.command.cursor, this);
    if (!ticket) return fail(id, {ErrorCode::kBadRequest, "the cursor is malformed"});
  } else {
    ticket = router_.submit({plan.command.action, plan.scope}, this);
  }
  if (!plan.command.is_awaited) {
    // The outcome comes all the same and finds no call.
    metrics_.push(send_target, PushResult::kSubmitted).add();
    return finish(id, answer_submitted());
  }
  tickets_.emplace(*ticket, id);
  if (!call.is_starting && call.listener != nullptr) call.listener->on_call_submitted(id);
}

void CallRunner::on_claim(std::uint64_t ticket, backplane::ClaimResult result,
                          const backplane::RememberedAnswer& remembered) {
  const auto found = calls_.find(ticket);
  if (found == calls_.end()) return;
  Call& call = found->second;
  switch (result) {
    case backplane::ClaimResult::kMine:
      call.holds_claim = true;
      return submit(ticket, call);
    case backplane::ClaimResult::kRemembered: {
      Answer answer{remembered.status, remembered.body};
      if (remembered.status >= 400) answer.content_type = kProblemJson;
      return finish(ticket, std::move(answer));
    }
    case backplane::ClaimResult::kConflict:
      return fail(ticket, {ErrorCode::kKeyReused, "the key came with another path or body"});
    case backplane::ClaimResult::kUnavailable:
      return fail(ticket, {ErrorCode::kOverloaded, "no room for another idempotency key"});
  }
}

std::optional<CallId> CallRunner::take_ticket(push::Ticket ticket) {
  const auto node = tickets_.extract(ticket);
  if (node.empty()) return {};
  return node.mapped();
}

void CallRunner::on_outcome(push::Ticket ticket, PushOutcome& outcome) {
  const std::optional<CallId> id = take_ticket(ticket);
  if (!id) return;
  const Call& call = calls_.at(*id);
  count(call, outcome);
  const AnswerContext context{call.plan.subject, router_.node_name()};
  AnswerResult answer = call.plan.operation->answer(outcome, context);
  if (!answer) return fail(*id, answer.error());
  finish(*id, std::move(*answer), outcome);
}

void CallRunner::on_route_failure(push::Ticket ticket, push::RouteFailure failure) {
  const std::optional<CallId> id = take_ticket(ticket);
  if (!id) return;
  count_failure(calls_.at(*id), failure == push::RouteFailure::kTimedOut ? PushResult::kTimedOut
                                                                         : PushResult::kOverloaded);
  fail(*id, to_error(failure));
}

void CallRunner::fail(CallId id, const ApiError& error) {
  finish(id, to_answer(error, calls_.at(id).plan.operation->dialect));
}

void CallRunner::finish(CallId id, Answer answer, const PushOutcome& outcome) {
  Call& call = calls_.at(id);  // stays where it is while settling answers and starts other calls
  if (std::exchange(call.holds_claim, false)) {
    const backplane::Digest key = call.plan.claim->key;
    call.plan.claim.reset();
    if (is_remembered(answer, outcome)) {
      backplane_.settle(key, {answer.status, answer.body});
    } else {
      backplane_.abandon(key);
    }
  }
  if (call.plan.operation->dialect == Dialect::kApiGateway) add_request_id(answer);
  if (call.is_starting) {
    call.answer = std::move(answer);
    call.state = State::kAnswered;
    return;
  }
  CallListener* listener = call.listener;
  calls_.erase(id);
  if (listener != nullptr) listener->on_call_answered(id, answer);
}

void CallRunner::count(const Call& call, const PushOutcome& outcome) {
  const auto* send = std::get_if<push::Send>(&call.plan.command.action);
  if (send == nullptr) return;
  const PushTarget target = to_target(send->target);
  if (target == PushTarget::kConnection) {
    metrics_.push(target, to_result(outcome.delivery)).add();
  } else {
    metrics_.push(target, PushResult::kDelivered).add(outcome.delivered);
    metrics_.push(target, PushResult::kFailed).add(outcome.failed);
  }
}

void CallRunner::count_failure(const Call& call, PushResult result) {
  if (const auto* send = std::get_if<push::Send>(&call.plan.command.action)) {
    metrics_.push(to_target(send->target), result).add();
  }
}

}  // namespace sockhook::management
