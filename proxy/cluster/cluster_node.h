// ClusterNode: this node as a member of the cluster: what the backplane tells, and what the workers
// tell, brought to those whom it concerns.
//
//   kAlive    joined; whether the backplane can be reached is the Lease's matter
//   kReborn   declared dead by others: the workers close all connections, which no longer are this
//             node's. When all have done so, the node joins again under a new key
//   kReplaced a newcomer goes by this node's name: the owner ends the process
//   kLeaving  the last words; on_left() follows
//
// What a worker said in an earlier life is void (JournalEntries::life).
//
// Owner: the Control, which calls leave() and waits for on_left() before it destroys node and
// backplane. Thread: the control loop's.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "backplane/backplane.h"
#include "proxy/cluster/cluster_router.h"
#include "proxy/cluster/lease.h"
#include "proxy/cluster/presence_table.h"
#include "proxy/cluster/record_relay.h"
#include "proxy/cluster/worker_outbox.h"
#include "proxy/messages.h"

namespace sockhook::cluster {

class ClusterOwner {
 public:
  // Ids of a new life, which the local router goes by from now on.
  virtual std::shared_ptr<const webhook::IdScheme> begin_life() = 0;
  // `partition: fence`: new clients are to be refused, or are welcome again.
  virtual void set_cut_off(bool is_cut_off) = 0;
  // The process must end, with status 1.
  virtual void on_replaced() = 0;
  virtual void on_left() = 0;

 protected:
  ~ClusterOwner() = default;
};

struct ClusterSetup {
  NodeInfo self;
  unsigned workers = 1;
  bool fences = false;  // backplane.partition
  std::uint64_t heartbeat_ms = 0;
  WorkerOutbox::Post post;
};

class ClusterNode final : backplane::BackplaneListener, LeaseListener {
 public:
  ClusterNode(net::Loop& loop, ClusterSetup setup, push::PushRouter& local,
              backplane::Backplane& backplane, std::atomic<std::uint64_t>& lease_ok_until_ms,
              ClusterOwner* owner);
  ClusterNode(const ClusterNode&) = delete;
  ClusterNode& operator=(const ClusterNode&) = delete;

  push::PushRouter& router() { return router_; }
  void start();
  // Once; what is left is handed over.
  void leave();

  // Of the workers.
  void handle(JournalEntries& entries);
  void handle(const NewLifeBegun& begun);

 private:
  enum class Phase : std::uint8_t { kAlive, kReborn, kReplaced, kLeaving };

  void tell_all();
  void begin_life();

  // backplane::BackplaneListener
  void on_sent(backplane::Ticket ticket, const backplane::Dispatch& dispatch) override;
  void on_lost(backplane::Ticket ticket, const NodeKey& node) override;
  void on_message(const NodeKey& from, std::string_view payload) override;
  void on_lookup(backplane::Ticket ticket,
                 const std::optional<std::vector<backplane::Presence>>& presences) override;
  void on_recorded(backplane::Ticket ticket, bool is_written) override;
  void on_orphans(const NodeInfo& owner, std::vector<backplane::Record> records) override;
  void on_up() override;
  void on_down() override;
  void on_lease(std::uint64_t until_ms) override;
  void on_data_lost() override { router_.on_data_lost(); }
  void on_repair() override;
  void on_fenced(backplane::FenceReason reason) override;
  void on_left() override;
  // LeaseListener
  void on_lease_confirmed() override;
  void on_cut_off() override;
  void on_back() override;

  backplane::Backplane& backplane_;
  ClusterOwner* const owner_;
  NodeInfo self_;
  WorkerOutbox workers_;
  ClusterRouter router_;
  PresenceTable presence_;
  RecordRelay records_;
  Lease lease_;
  Phase phase_ = Phase::kAlive;
  unsigned unborn_workers_ = 0;  // kReborn
};

}  // namespace sockhook::cluster
