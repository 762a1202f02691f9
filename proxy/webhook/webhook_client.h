// WebhookClient: all webhooks of one worker: takes jobs, hands results back.
//
// $connect and messages become a WebhookCall each, whose result goes to the WebhookResults; a
// $disconnect goes to the backlog of its backend, which keeps it until it has arrived.
//
// Owner: a Worker. Thread: the worker's.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "proxy/backend/backend_pool.h"
#include "proxy/webhook/disconnect_backlog.h"
#include "proxy/webhook/webhook_call.h"

namespace sockhook::webhooks {

class WebhookClient final : public routing::WebhookJobs, CallListener {
 public:
  struct BackendLink {
    backend::BackendPool* pool;
    OutageGate* gate;
  };

  // `backends` as in Config::backends; pools and gates outlive the client.
  WebhookClient(net::Loop& loop, std::string node, const webhook::Signer& signer, Random& random,
                observe::WorkerMetrics& metrics, const std::vector<BackendLink>& backends,
                routing::WebhookResults* results);
  ~WebhookClient();
  WebhookClient(const WebhookClient&) = delete;
  WebhookClient& operator=(const WebhookClient&) = delete;

  void start(const routing::WebhookJob& job) override;

  // Owed $disconnects that have not arrived.
  std::size_t backlog() const;
  void give_up_backlog();
  // Drops all calls; no results follow.
  void cancel_all() { calls_.clear(); }

 private:
  void on_call_done(WebhookCall& call, routing::WebhookResult& result) override;

  JobEncoder encoder_;
  CallContext context_;
  std::vector<BackendLink> backends_;
  std::vector<std::unique_ptr<DisconnectBacklog>> backlogs_;
  routing::WebhookResults* const results_;
  WebhookCall::List calls_;
};

}  // namespace sockhook::webhooks
