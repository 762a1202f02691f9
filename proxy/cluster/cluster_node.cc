#include "proxy/cluster/cluster_node.h"

#include <utility>

#include "proxy/observe/log.h"

namespace sockhook::cluster {

using backplane::FenceReason;
using observe::Level;
using observe::LogLine;

ClusterNode::ClusterNode(net::Loop& loop, ClusterSetup setup, push::PushRouter& local,
                         backplane::Backplane& backplane,
                         std::atomic<std::uint64_t>& lease_ok_until_ms, ClusterOwner* owner)
    : backplane_(backplane),
      owner_(owner),
      self_(setup.self),
      workers_(loop, setup.workers, std::move(setup.post)),
      router_(loop, local, backplane, setup.self, setup.heartbeat_ms),
      presence_(backplane, setup.self.key),
      records_(loop, backplane, workers_),
      lease_(loop, setup.fences, lease_ok_until_ms, static_cast<LeaseListener*>(this)) {}

void ClusterNode::start() { backplane_.start(self_, static_cast<BackplaneListener*>(this)); }

void ClusterNode::leave() {
  if (phase_ == Phase::kAlive) router_.say_farewell();
  phase_ = Phase::kLeaving;
  backplane_.leave();
}

void ClusterNode::on_left() { owner_->on_left(); }

// ---------------------------------------------------------------------------------------------
// What workers tell.

void ClusterNode::handle(JournalEntries& entries) {
  if (!(entries.life == self_.key)) return;
  presence_.apply(entries.names);
  records_.apply(entries.worker, entries.records);
  for (const JournalEntries::OrphanDone& done : entries.orphans) {
    backplane_.finish_orphan(done.owner, done.id);
  }
}

void ClusterNode::handle(const NewLifeBegun&) {
  if (phase_ != Phase::kReborn || --unborn_workers_ > 0) return;
  phase_ = Phase::kAlive;
  lease_.begin_life();
  backplane_.restart(self_.key);
  tell_all();
}

// ---------------------------------------------------------------------------------------------
// What the backplane tells.

void ClusterNode::on_sent(backplane::Ticket ticket, const backplane::Dispatch& dispatch) {
  router_.on_sent(ticket, dispatch);
}
void ClusterNode::on_lost(backplane::Ticket ticket, const NodeKey& node) {
  router_.on_lost(ticket, node);
}
void ClusterNode::on_message(const NodeKey& from, std::string_view payload) {
  router_.on_message(from, payload);
}
void ClusterNode::on_lookup(backplane::Ticket ticket,
                            const std::optional<std::vector<backplane::Presence>>& presences) {
  router_.on_lookup(ticket, presences);
}

void ClusterNode::on_recorded(backplane::Ticket ticket, bool) { records_.on_recorded(ticket); }

void ClusterNode::on_orphans(const NodeInfo& owner, std::vector<backplane::Record> records) {
  LogLine(Level::kInfo, "sending the disconnects of a node that was lost")
      .field("node", owner.name)
      .field("connections", std::uint64_t{records.size()});
  records_.on_orphans(owner, std::move(records));
}

void ClusterNode::on_up() {
  router_.on_link_up();
  lease_.on_link_up();
}

void ClusterNode::on_down() {
  router_.on_link_down();
  lease_.on_link_down();
}

void ClusterNode::on_lease(std::uint64_t until_ms) {
  router_.on_heartbeat();
  lease_.granted(until_ms);
}

void ClusterNode::on_repair() { tell_all(); }

void ClusterNode::tell_all() {
  presence_.tell_all();
  workers_.post_to_all(TellRecords{});
}

// ---------------------------------------------------------------------------------------------
// Life and death.

void ClusterNode::on_lease_confirmed() {
  // A mailbox that is full loses the word: guards look again by themselves.
  for (unsigned worker = 0; worker < workers_.workers(); ++worker) {
    workers_.try_post(worker, LeaseConfirmed{});
  }
}

void ClusterNode::on_cut_off() {
  LogLine(Level::kWarn, "cut off from the backplane: closing all connections");
  owner_->set_cut_off(true);
  workers_.post_to_all(CutOff{});
}

void ClusterNode::on_back() { owner_->set_cut_off(false); }

void ClusterNode::on_fenced(FenceReason reason) {
  lease_.lost();
  if (phase_ != Phase::kAlive) return;
  if (reason == FenceReason::kReplaced) {
    LogLine(Level::kError, "another node goes by this node.id: ending").field("node", self_.name);
    phase_ = Phase::kReplaced;
  } else {
    LogLine(Level::kWarn, "declared dead by other nodes: closing all connections, starting over");
    phase_ = Phase::kReborn;
  }
  begin_life();
  if (reason == FenceReason::kReplaced) owner_->on_replaced();
}

// What was said and asked in the life before is void.
void ClusterNode::begin_life() {
  const std::shared_ptr<const webhook::IdScheme> ids = owner_->begin_life();
  self_.key = ids->node_key();
  router_.begin_life(self_.key);
  presence_.begin_life(self_.key);
  records_.clear();
  workers_.clear();
  unborn_workers_ = workers_.workers();
  workers_.post_to_all(BeginNewLife{ids});
}

}  // namespace sockhook::cluster
