// ListWalk: one page of a listing over nodes: from node to node in the order of their keys, one at
// a time, until the page is full or nobody is left.
//
//   kLookingUp   which nodes have members of the group or user that is asked for
//   kLocal       this node lists
//   kAsking      another one does: waits for its answer and for the word that it was asked
//   kDone
//
// A connection keeps node, worker and slot, so one that stays is listed exactly once. A node that
// has gone is passed over; one that cannot be asked, or does not answer, ends the walk.
// The page that is full is asked on for no connections: there is a next one only if one more
// matches.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/cluster/flow.h"
#include "proxy/cluster/list_cursor.h"

namespace sockhook::cluster {

class ListWalk final : public Flow {
 public:
  ListWalk(push::Ticket ticket, push::PushListener* listener, FlowTools& tools, push::List list,
           push::Scope scope, ListCursor cursor)
      : Flow(ticket, listener, tools),
        list_(std::move(list)),
        scope_(std::move(scope)),
        cursor_(std::move(cursor)) {}

  void start();

  void on_sent(const backplane::Dispatch& dispatch) override;
  void on_lost(const NodeKey& node) override;
  void on_gone(const NodeKey& node) override;
  void on_reply(const NodeKey& from, Reply& reply) override;
  void on_lookup(const std::optional<std::vector<backplane::Presence>>& presences) override;
  void on_local(Local& local) override;
  void on_timeout() override { end(push::RouteFailure::kTimedOut); }
  bool is_done() const override { return state_ == State::kDone; }

 private:
  enum class State : std::uint8_t { kLookingUp, kLocal, kAsking, kDone };

  void walk(std::vector<NodeKey> others);
  void visit();
  void visit_next();
  void take_part(Local& part);
  void end(push::RouteFailure failure);

  State state_ = State::kLookingUp;
  const push::List list_;
  const push::Scope scope_;
  ListCursor cursor_;           // where the visit under way begins
  std::vector<NodeKey> nodes_;  // to be visited, the one under way at next_
  std::size_t next_ = 0;
  bool is_sent_ = false;       // kAsking: the node is known to have been asked
  std::optional<Local> part_;  // kAsking: its answer
};

}  // namespace sockhook::cluster
