// ClusterRouter: the PushRouter of all nodes: what is this node's goes to its own router, the rest
// through the backplane.
//
//   One connection   its id names the node: one message there, its outcome back
//   Send to many     this node's members, and one message to each other node that has some. Nodes
//                    that were not reached or do not answer are named; while the backplane is away
//                    those are all others that are known
//   Change of many   the same, but a node that is missing is a failure
//   Count, look-up   this node's, and what the others have said of the name. With a scope those
//                    nodes are asked, since a name tells nothing of endpoints
//   Listing          ListWalk
//
// Never a wait for a node that the dispatch did not name as reached, and for none longer than
// kDeadlineMs. At most kMaxFlows are under way; beyond that a command is refused as overloaded.
// Commands to one target leave in the order of the calls.
//
// Owner: the ClusterNode. Thread: the control loop's.

#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backplane/backplane.h"
#include "proxy/cluster/flow.h"
#include "proxy/cluster/gather.h"
#include "proxy/cluster/request_server.h"
#include "proxy/net/loop.h"

namespace sockhook::cluster {

class ClusterRouter final : public push::PushRouter,
                            push::PushListener,
                            FlowTools,
                            net::DeadlineListener,
                            net::SoonListener {
 public:
  static constexpr std::size_t kMaxFlows = 32 * 1024;

  ClusterRouter(net::Loop& loop, push::PushRouter& local, backplane::Backplane& backplane,
                NodeInfo self, std::uint64_t heartbeat_ms);
  ~ClusterRouter() override;
  ClusterRouter(const ClusterRouter&) = delete;
  ClusterRouter& operator=(const ClusterRouter&) = delete;

  // ---- push::PushRouter
  push::Ticket submit(push::PushCommand command, push::PushListener* listener) override;
  std::optional<push::Ticket> submit_list(push::List list, push::Scope scope,
                                          const std::string& cursor,
                                          push::PushListener* listener) override;
  void forget(push::PushListener* listener) override;
  bool is_local(const webhook::ConnectionId& id) const override { return local_.is_local(id); }

  // ---- from the backplane
  void on_sent(backplane::Ticket ticket, const backplane::Dispatch& dispatch);
  void on_lost(backplane::Ticket ticket, const NodeKey& node);
  void on_message(const NodeKey& from, std::string_view payload);
  void on_lookup(backplane::Ticket ticket,
                 const std::optional<std::vector<backplane::Presence>>& presences);
  // A heartbeat has told who is alive.
  void on_heartbeat();
  // The others hear of this node at once.
  void on_link_up();
  void on_link_down() { nodes_.on_link_down(); }
  void on_data_lost() { nodes_.on_data_lost(); }
  // The others need not wait for the lease.
  void say_farewell();
  // What was asked in the life before times out.
  void begin_life(const NodeKey& key) { self_.key = key; }

 private:
  // Disjoint from the local router's tickets, which are given out as they are.
  static constexpr push::Ticket kFirstTicket = push::Ticket{1} << 62U;

  bool is_full() const { return flows_.size() >= kMaxFlows; }
  Gather& begin(push::Ticket ticket, push::PushListener* listener, Gather::Mode mode);
  void admit(push::Ticket ticket, std::unique_ptr<Flow> flow);
  // Their first argument may be part of the command.
  push::Ticket submit_to(const webhook::ConnectionId& id, push::PushCommand&& command,
                         push::PushListener* listener);
  push::Ticket submit_to_many(const push::Target& target, push::PushCommand&& command,
                              push::PushListener* listener);
  push::Ticket submit_lookup(const backplane::Name& name, push::PushCommand&& command,
                             push::PushListener* listener);
  push::Ticket refuse(push::PushListener* listener, push::RouteFailure failure);
  // Flow 0: nobody waits.
  void run_locally(push::Ticket flow, push::PushCommand command);

  // Tells the flow, if it is still there, and its listener, if that was the last word.
  template <typename Event>
  void tell(push::Ticket ticket, Event event);
  void finish(push::Ticket ticket);
  void on_local(push::Ticket local, Flow::Local result);

  // push::PushListener: of the local router
  void on_outcome(push::Ticket ticket, push::PushOutcome& outcome) override;
  void on_route_failure(push::Ticket ticket, push::RouteFailure failure) override;
  // FlowTools
  backplane::Backplane& backplane() override { return backplane_; }
  const NodeInfo& self() const override { return self_; }
  const KnownNodes& nodes() const override { return nodes_; }
  bool list_locally(push::Ticket flow, const push::List& list, const push::Scope& scope,
                    const std::string& cursor) override;
  void renew(push::Ticket flow) override;

  void on_deadline(net::Deadline& deadline) override;
  void on_soon(net::Soon& soon) override;

  struct Refused {
    push::Ticket ticket;
    push::PushListener* listener;
    push::RouteFailure failure;
  };
  struct Due {
    std::uint64_t at_ms;
    push::Ticket ticket;
  };

  net::Loop& loop_;
  push::PushRouter& local_;
  backplane::Backplane& backplane_;
  NodeInfo self_;
  KnownNodes nodes_;
  RequestServer server_;
  push::Ticket next_ticket_ = kFirstTicket;
  std::unordered_map<push::Ticket, std::unique_ptr<Flow>> flows_;
  std::unordered_map<push::Ticket, push::Ticket> flow_of_local_;
  std::deque<Due> dues_;  // in order; one that was renewed stands there twice
  net::Deadline deadline_{this};
  std::vector<Refused> refused_;  // inside submit(): told from the loop
  net::Soon soon_{this};
};

}  // namespace sockhook::cluster
