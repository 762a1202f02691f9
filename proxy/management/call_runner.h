// CallRunner: takes each call through its life and gives exactly one answer.
//
//   kClaiming   the idempotency key is being claimed, or its first request is waited for
//   kSubmitted  the router has the command
//   kAnswered   only inside start(), which takes the answer along
//
// Every path leaves through finish(), which also settles or abandons the claim. Nothing waits
// longer than PushRouter::kDeadlineMs for the router, and a claim waits for a call that does the
// same.
//
// Owner: the ManagementApi. Thread: the control loop's.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "backplane/backplane.h"
#include "proxy/management/command.h"
#include "proxy/management/operations.h"
#include "proxy/management/request_handler.h"
#include "proxy/observe/metrics.h"
#include "proxy/push/push_router.h"

namespace sockhook::management {

// A call that has been read and checked.
struct CallPlan {
  const Operation* operation = nullptr;
  Command command = {};
  push::Scope scope = {};
  std::string subject = {};                    // the group or user that is asked about
  std::optional<backplane::Claim> claim = {};  // of its idempotency key
  std::optional<ApiError> verdict = {};        // known without asking: nothing is submitted
};

class CallRunner final : private push::PushListener, private backplane::ClaimListener {
 public:
  CallRunner(push::PushRouter& router, backplane::Backplane& backplane,
             observe::ControlMetrics& metrics)
      : router_(router), backplane_(backplane), metrics_(metrics) {}
  ~CallRunner();
  CallRunner(const CallRunner&) = delete;
  CallRunner& operator=(const CallRunner&) = delete;

  CallId new_id() { return ++last_id_; }
  Started start(CallPlan plan, CallListener* listener);
  // False while the call's key is being claimed: what is started now may arrive before it.
  bool is_submitted(CallId call) const;
  void forget(CallId call);

 private:
  enum class State : std::uint8_t { kClaiming, kSubmitted, kAnswered };
  struct Call {
    CallPlan plan;
    CallListener* listener;
    State state = State::kClaiming;
    bool is_starting = true;
    bool holds_claim = false;
    Answer answer = {};
  };

  void submit(CallId id, Call& call);
  void finish(CallId id, Answer answer, const push::PushOutcome& outcome = {});
  void fail(CallId id, const ApiError& error);
  void count(const Call& call, const push::PushOutcome& outcome);
  void count_one(const Call& call, observe::PushResult result);
  std::optional<CallId> take_ticket(push::Ticket ticket);

  // push::PushListener
  void on_outcome(push::Ticket ticket, push::PushOutcome& outcome) override;
  void on_route_failure(push::Ticket ticket, push::RouteFailure failure) override;
  // backplane::ClaimListener
  void on_claim(std::uint64_t ticket, backplane::ClaimResult result,
                const backplane::RememberedAnswer& answer) override;

  push::PushRouter& router_;
  backplane::Backplane& backplane_;
  observe::ControlMetrics& metrics_;
  CallId last_id_ = 0;
  std::unordered_map<CallId, Call> calls_;
  std::unordered_map<push::Ticket, CallId> tickets_;
};

}  // namespace sockhook::management
