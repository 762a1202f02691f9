#include "proxy/worker_cluster.h"

namespace sockhook {

WorkerCluster::WorkerCluster(net::Loop& loop, const routing::RoutingTable& routes,
                             journal::WorkerJournal& journal, client::Hub& hub,
                             webhooks::WebhookClient& webhooks)
    : journal_(journal),
      hub_(hub),
      webhooks_(webhooks),
      jobs_(loop, journal, webhooks),
      orphans_(routes, journal, webhooks),
      teller_(loop, hub, webhooks, journal) {}

void WorkerCluster::handle(const RecordsWritten& written) {
  for (const backplane::Ticket ticket : written.tickets) {
    jobs_.on_record_written(ticket);
    teller_.on_record_written(ticket);
  }
}

void WorkerCluster::handle(const TellRecords&) { teller_.start(); }

void WorkerCluster::handle(const LeaseConfirmed&) { webhooks_.on_lease_confirmed(); }

// Webhooks first, so that none follows what a session says at its end; the journal last, so that it
// forgets what sessions say of leaving.
void WorkerCluster::handle(const BeginNewLife& begin) {
  jobs_.cancel_all();
  webhooks_.drop_all();
  teller_.cancel();
  hub_.begin_life(*begin.ids);
  journal_.begin_life(begin.ids->node_key());
}

}  // namespace sockhook
