// Flow: a command of this node's callers that is under way over several nodes.
//
// A flow is told what happens and is asked then whether it is done; the router, which owns it,
// tells its listener and destroys it. It waits for what it started itself: each dispatch, each
// look-up, the local router, and the nodes that a dispatch named as reached. Never for another.
//
// An answer may come before on_sent, which travels another way; a flow is done after both.
//
// Owner: the ClusterRouter. Thread: the control loop's.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backplane/backplane.h"
#include "proxy/cluster/known_nodes.h"
#include "proxy/cluster/push_codec.h"
#include "proxy/push/push_router.h"

namespace sockhook::cluster {

// What flows work with.
class FlowTools {
 public:
  virtual backplane::Backplane& backplane() = 0;
  virtual const NodeInfo& self() const = 0;
  virtual const KnownNodes& nodes() const = 0;
  // This node's part; on_local() follows. False: the cursor is none of this node's.
  virtual bool list_locally(push::Ticket flow, const push::List& list, const push::Scope& scope,
                            const std::string& cursor) = 0;
  // The deadline begins anew.
  virtual void renew(push::Ticket flow) = 0;

 protected:
  ~FlowTools() = default;
};

class Flow {
 public:
  // What became of the part of this node.
  using Local = std::variant<push::PushOutcome, push::RouteFailure>;

  Flow(push::Ticket ticket, push::PushListener* listener, FlowTools& tools)
      : listener_(listener), ticket_(ticket), tools_(tools) {}
  virtual ~Flow() = default;
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  virtual void on_sent(const backplane::Dispatch& dispatch) = 0;
  virtual void on_lost(const NodeKey& node) = 0;
  // The node has died or left; nothing more comes from it.
  virtual void on_gone(const NodeKey& node) = 0;
  virtual void on_reply(const NodeKey& from, Reply& reply) = 0;
  virtual void on_lookup(const std::optional<std::vector<backplane::Presence>>& presences) = 0;
  virtual void on_local(Local& local) = 0;
  // What is known now is all that there is.
  virtual void on_timeout() = 0;
  virtual bool is_done() const = 0;

  // When done: one of the two.
  const std::optional<push::RouteFailure>& failure() const { return failure_; }
  push::PushOutcome& outcome() { return outcome_; }

  // Null: it is going away.
  push::PushListener* listener() const { return listener_; }
  void forget(push::PushListener* listener) {
    if (listener_ == listener) listener_ = nullptr;
  }

  std::uint64_t due_ms = 0;  // the router's

 protected:
  push::Ticket ticket() const { return ticket_; }
  FlowTools& tools() const { return tools_; }

  push::PushOutcome outcome_;
  std::optional<push::RouteFailure> failure_;

 private:
  push::PushListener* listener_;
  const push::Ticket ticket_;
  FlowTools& tools_;
};

}  // namespace sockhook::cluster
