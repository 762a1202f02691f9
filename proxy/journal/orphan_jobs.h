// OrphanJobs: the connections of a dead node become $disconnects of this one (contract 8).
//
// Each has the id, the source and the facts that the dead node would have told. One whose record
// says no ending was lost with its node: 1006 `node lost`, now. Where the endpoint or its route for
// $disconnect is not in this node's config, or the record is malformed, nobody can be told: it is
// logged and finished. Otherwise the backlog has it, and the journal hears when it is settled.
//
// How many come is the control's to bound: a page at a time. On a drain, those that are not settled
// stay in their list for another node.
//
// Owner: the Worker, which has none without a cluster. Thread: the worker's.

#pragma once

#include <memory>
#include <string>

#include "proxy/cluster_messages.h"
#include "proxy/journal/worker_journal.h"
#include "proxy/routing/routing_table.h"
#include "proxy/routing/webhook_job.h"

namespace sockhook::journal {

class OrphanJobs {
 public:
  OrphanJobs(const routing::RoutingTable& routes, WorkerJournal& journal,
             routing::WebhookJobs& next)
      : routes_(routes), journal_(journal), next_(next) {}

  void adopt(const AdoptOrphans& orphans);

 private:
  // The error says why nobody can be told.
  Result<routing::WebhookJob, std::string> job_of(
      const backplane::Record& record, const std::shared_ptr<const std::string>& owner) const;

  const routing::RoutingTable& routes_;
  WorkerJournal& journal_;
  routing::WebhookJobs& next_;
};

}  // namespace sockhook::journal
