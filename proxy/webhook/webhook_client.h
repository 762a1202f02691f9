// WebhookClient: all webhooks of one worker: takes jobs, hands results back.
//
// $connect and messages become a WebhookCall each, whose result goes to the WebhookResults;
// messages of a route with batches go to its BatchQueue; a $disconnect goes to the backlog of its
// backend, which keeps it until it has arrived.
// In a cluster the LeaseGuard stands before all of them.
//
// Owner: a Worker. Thread: the worker's.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/backend/backend_pool.h"
#include "proxy/webhook/batch_queue.h"
#include "proxy/webhook/disconnect_backlog.h"
#include "proxy/webhook/webhook_call.h"

namespace sockhook::webhooks {

class WebhookClient final : public routing::WebhookJobs, CallListener, BatchQueueListener {
 public:
  struct BackendLink {
    backend::BackendPool* pool;
    OutageGate* gate;
  };

  // Of a node in a cluster; both outlive the client.
  struct ClusterLink {
    const std::atomic<uint64_t>* lease_ok_until_ms = nullptr;
    routing::ConnectionJournal* journal = nullptr;
  };

  // `backends` as in Config::backends; pools and gates outlive the client.
  WebhookClient(net::Loop& loop, std::string node, const webhook::Signer& signer, Random& random,
                observe::WorkerMetrics& metrics, const std::vector<BackendLink>& backends,
                routing::WebhookResults* results, ClusterLink cluster);
  ~WebhookClient();
  WebhookClient(const WebhookClient&) = delete;
  WebhookClient& operator=(const WebhookClient&) = delete;

  void start(const routing::WebhookJob& job) override;

  // Owed $disconnects that have not arrived.
  std::size_t backlog() const;
  // Gives up what is left, or leaves it to the cluster.
  void end_backlog();
  // Drops all calls of $connects and messages; no results follow.
  void cancel_all();
  // Drops owed $disconnects too: another node sends them.
  void drop_all();
  // The records of owed $disconnects may be lost: tells them again, over some loop turns.
  void tell_owed_again();
  // See LeaseGuard.
  void on_lease_confirmed() { guard_.resume(); }

 private:
  void on_call_done(WebhookCall& call, routing::WebhookResult& result) override;
  void on_queue_idle(const routing::Route& route) override;
  void add_to_batches(const routing::WebhookJob& job);

  JobEncoder encoder_;
  LeaseGuard guard_;
  CallContext context_;
  std::vector<BackendLink> backends_;
  std::vector<std::unique_ptr<DisconnectBacklog>> backlogs_;
  routing::WebhookResults* const results_;
  WebhookCall::List calls_;
  std::map<const routing::Route*, BatchQueue> batches_;  // while they have something to do
};

}  // namespace sockhook::webhooks
