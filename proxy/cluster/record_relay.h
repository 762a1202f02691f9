// RecordRelay: the records of this node's connections on their way from the workers to the
// backplane, and the word that they are written on its way back; the orphans of dead nodes on their
// way to the workers.
//
// Records that somebody waits for are answered together, once in a loop turn. Orphans go to the
// workers in turn.
//
// Bounded by what workers wait for: one record for each $connect. Owner: the ClusterNode. Thread:
// the control loop's.

#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "backplane/backplane.h"
#include "proxy/cluster/worker_outbox.h"
#include "proxy/cluster_messages.h"
#include "proxy/net/loop.h"

namespace sockhook::cluster {

class RecordRelay final : net::SoonListener {
 public:
  RecordRelay(net::Loop& loop, backplane::Backplane& backplane, WorkerOutbox& workers)
      : loop_(loop), backplane_(backplane), workers_(workers), written_(workers.workers()) {}

  void apply(unsigned worker, std::vector<JournalEntries::RecordChange>& changes);
  // Written or not: the wait is over.
  void on_recorded(backplane::Ticket ticket);
  void on_orphans(const backplane::NodeInfo& owner, std::vector<backplane::Record> records);
  // Nobody waits any more.
  void clear();

 private:
  struct Awaited {
    unsigned worker;
    backplane::Ticket ticket;  // the worker's
  };

  void on_soon(net::Soon& soon) override;

  net::Loop& loop_;
  backplane::Backplane& backplane_;
  WorkerOutbox& workers_;
  backplane::Ticket last_ticket_ = 0;
  std::unordered_map<backplane::Ticket, Awaited> awaited_;
  std::vector<std::vector<backplane::Ticket>> written_;  // by worker
  net::Soon soon_{this};
  unsigned next_worker_ = 0;
};

}  // namespace sockhook::cluster
