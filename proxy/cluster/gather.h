// Gather: one command, carried out by this node and others; their outcomes are added up.
//
//   kOne       for one connection of another node: its outcome, gone if there is no such node. Of
//              one that was alive a moment ago that is not believed yet (KnownNodes)
//   kPartial   a send to many: nodes that were not reached or did not answer are named in `unknown`
//   kWhole     what only makes sense as a whole: one node that is missing is a failure, of those
//              that are missing the worst
//
// Two ways to ask others: one dispatch of the whole command (the router has sent it), or a look-up
// of what they have said of a name. A caller whose token is limited to endpoints is told less than
// that: then the nodes of the look-up are asked themselves.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/cluster/flow.h"

namespace sockhook::cluster {

class Gather final : public Flow {
 public:
  enum class Mode : std::uint8_t { kOne, kPartial, kWhole };

  Gather(push::Ticket ticket, push::PushListener* listener, FlowTools& tools, Mode mode)
      : Flow(ticket, listener, tools), mode_(mode) {}

  // What to wait for: called as it is started.
  void expect_local() { waits_for_local_ = true; }
  void expect_dispatch() { ++dispatches_; }
  void expect_dispatch_to(const NodeKey& node) {
    target_ = node;
    expect_dispatch();
  }
  // `ask`: the command, if the nodes that the look-up names are to be asked.
  void expect_lookup(std::optional<push::PushCommand> ask) {
    waits_for_lookup_ = true;
    ask_ = std::move(ask);
  }

  void on_sent(const backplane::Dispatch& dispatch) override;
  void on_lost(const NodeKey& node) override;
  void on_gone(const NodeKey& node) override { on_lost(node); }
  void on_reply(const NodeKey& from, Reply& reply) override;
  void on_lookup(const std::optional<std::vector<backplane::Presence>>& presences) override;
  void on_local(Local& local) override;
  void on_timeout() override;
  bool is_done() const override;

 private:
  void add(push::PushOutcome& part);
  void miss(const std::string& node, push::RouteFailure failure);
  void miss_all_others(push::RouteFailure failure);
  void miss_doubtful(const backplane::Dispatch& dispatch);

  const Mode mode_;
  NodeKey target_;  // kOne
  bool waits_for_local_ = false;
  bool waits_for_lookup_ = false;
  std::size_t dispatches_ = 0;
  std::optional<push::PushCommand> ask_;
  std::vector<NodeKey> waits_for_;  // reached, and have not answered
  std::vector<NodeKey> answered_;   // before it was known that they are reached
};

}  // namespace sockhook::cluster
