// PushRouter: the one place that knows where a connection lives. Management speaks to it only.
//
// A command for one connection goes to the node and worker that the id names, one for a group, a
// user or everybody to all that may have members; their outcomes are added up. Nothing waits longer
// than kDeadlineMs: then the outcome is what is known by then.
// Commands of one caller to one target arrive in the order of the calls.
//
// Implemented by MailboxRouter (this node) and cluster::ClusterRouter (all nodes).
//
// Owner: the Control. Thread: the control loop's.

#pragma once

#include <optional>
#include <string>
#include <variant>

#include "proxy/push/push_command.h"

namespace sockhook::push {

enum class RouteFailure {
  kOverloaded,   // a mailbox is full: nothing was done; 503
  kUnavailable,  // a node that holds the target, or the backplane, cannot be asked; 503
  kTimedOut,     // no answer in time: outcome unknown; 504
};

class PushListener {
 public:
  // Exactly once for each ticket, from the loop, never from inside submit().
  virtual void on_outcome(Ticket ticket, PushOutcome& outcome) = 0;
  virtual void on_route_failure(Ticket ticket, RouteFailure failure) = 0;

 protected:
  ~PushListener() = default;
};

// Where a page of List goes on: "" starts, and an outcome without a cursor ends.
// Opaque to callers: node, worker and slot.
class PushRouter {
 public:
  static constexpr uint64_t kDeadlineMs = 5000;

  virtual ~PushRouter() = default;

  // The listener must outlive the ticket or call forget(). Null: nobody waits, nothing is told.
  virtual Ticket submit(PushCommand command, PushListener* listener) = 0;
  // A page of all connections. `cursor` is what the page before gave; a malformed one
  // gives nothing. The outcome's `connections` are at most List::limit; `next_cursor` belongs to
  // it.
  virtual std::optional<Ticket> submit_list(List list, Scope scope, const std::string& cursor,
                                            PushListener* listener) = 0;
  // The listener is going away: its outcomes are dropped. The commands are carried out all the
  // same.
  virtual void forget(PushListener* listener) = 0;

  // The id is of this node in its present life.
  virtual bool is_local(const ConnectionId& id) const = 0;
};

}  // namespace sockhook::push
