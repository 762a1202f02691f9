// WorkerCluster: a worker's part in the cluster: what stands between its clients and its webhooks,
// and what the control asks of it.
//
// A new life: the node was declared dead, others send the $disconnects of its connections. All of
// those are lost, their webhooks dropped; ids are of the new life from then on.
//
// Owner: the Worker, which has none without a cluster. Thread: the worker's.

#pragma once

#include "proxy/client/hub.h"
#include "proxy/cluster_messages.h"
#include "proxy/journal/journaled_jobs.h"
#include "proxy/journal/orphan_jobs.h"
#include "proxy/journal/worker_journal.h"
#include "proxy/record_teller.h"
#include "proxy/webhook/webhook_client.h"

namespace sockhook {

class WorkerCluster {
 public:
  WorkerCluster(net::Loop& loop, const routing::RoutingTable& routes,
                journal::WorkerJournal& journal, client::Hub& hub,
                webhooks::WebhookClient& webhooks);

  // What sessions give their webhooks to.
  routing::WebhookJobs& jobs() { return jobs_; }
  // $connects that have not been sent yet never will be; no results follow.
  void cancel_held() { jobs_.cancel_all(); }

  void handle(const RecordsWritten& written);
  void handle(const AdoptOrphans& orphans) { orphans_.adopt(orphans); }
  void handle(const TellRecords& tell);
  void handle(const BeginNewLife& begin);
  void handle(const LeaseConfirmed& confirmed);

 private:
  journal::WorkerJournal& journal_;
  client::Hub& hub_;
  webhooks::WebhookClient& webhooks_;
  journal::JournaledJobs jobs_;
  journal::OrphanJobs orphans_;
  RecordTeller teller_;
};

}  // namespace sockhook
