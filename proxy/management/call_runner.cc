#include "proxy/management/call_runner.h"

#include <utility>

#include "proxy/management/idempotency.h"

namespace sockhook::management {
namespace {

using observe::PushPath;
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

PushResult to_result(push::RouteFailure failure) {
  switch (failure) {
    case push::RouteFailure::kOverloaded:
      return PushResult::kOverloaded;
    case push::RouteFailure::kUnavailable:
      return PushResult::kUnavailable;
    case push::RouteFailure::kTimedOut:
      return PushResult::kTimedOut;
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
    if (plan.verdict->code == ErrorCode::kGone) count_one(call, PushResult::kGone);
    if (plan.verdict->code == ErrorCode::kTooLarge) count_one(call, PushResult::kTooLarge);
    return fail(id, *plan.verdict);
  }

  const auto* list = std::get_if<push::List>(&plan.command.action);
  std::optional<push::Ticket> ticket;
  if (list != nullptr) {
    ticket = router_.submit_list(*list, plan.scope, plan.command.cursor, this);
    if (!ticket) return fail(id, {ErrorCode::kBadRequest, "the cursor is malformed"});
  } else {
    ticket =
        router_.submit({plan.command.action, plan.scope}, plan.command.is_awaited ? this : nullptr);
  }
  if (!plan.command.is_awaited) {
    // Only a send may be left unawaited.
    count_one(call, PushResult::kSubmitted);
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
      return fail(ticket, {ErrorCode::kUnavailable, "the idempotency key cannot be recorded now"});
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
  const AnswerContext context{call.plan.subject};
  AnswerResult answer = call.plan.operation->answer(outcome, context);
  if (!answer) return fail(*id, answer.error());
  finish(*id, std::move(*answer), outcome);
}

void CallRunner::on_route_failure(push::Ticket ticket, push::RouteFailure failure) {
  const std::optional<CallId> id = take_ticket(ticket);
  if (!id) return;
  count_one(calls_.at(*id), to_result(failure));
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

// One for a connection, one for each member that a send to many reached or missed.
void CallRunner::count(const Call& call, const PushOutcome& outcome) {
  const auto* send = std::get_if<push::Send>(&call.plan.command.action);
  if (send == nullptr) return;
  const PushTarget target = to_target(send->target);
  if (target == PushTarget::kConnection) return count_one(call, to_result(outcome.delivery));
  const auto add = [&](PushPath path, std::size_t delivered, std::size_t failed) {
    metrics_.push(path, target, PushResult::kDelivered).add(delivered);
    metrics_.push(path, target, PushResult::kFailed).add(failed);
  };
  add(PushPath::kLocal, outcome.delivered - outcome.delivered_remotely,
      outcome.failed - outcome.failed_remotely);
  add(PushPath::kRemote, outcome.delivered_remotely, outcome.failed_remotely);
}

// A send that has one result as a whole; nothing for other commands.
void CallRunner::count_one(const Call& call, PushResult result) {
  const auto* send = std::get_if<push::Send>(&call.plan.command.action);
  if (send == nullptr) return;
  const auto* one = std::get_if<push::OneConnection>(&send->target);
  const bool is_remote = one != nullptr && !router_.is_local(one->id);
  metrics_.push(is_remote ? PushPath::kRemote : PushPath::kLocal, to_target(send->target), result)
      .add();
}

}  // namespace sockhook::management
