#include "proxy/webhook/webhook_client.h"

#include <utility>

namespace sockhook::webhooks {

WebhookClient::WebhookClient(net::Loop& loop, std::string node, const webhook::Signer& signer,
                             Random& random, observe::WorkerMetrics& metrics,
                             const std::vector<BackendLink>& backends,
                             routing::WebhookResults* results, ClusterLink cluster)
    : encoder_(std::move(node), signer, random),
      guard_(loop, cluster.lease_ok_until_ms),
      context_{loop, encoder_, metrics, guard_, cluster.journal},
      backends_(backends),
      results_(results) {
  for (const BackendLink& link : backends_) {
    backlogs_.push_back(
        std::make_unique<DisconnectBacklog>(context_, *link.pool, *link.gate, random));
  }
}

WebhookClient::~WebhookClient() = default;

void WebhookClient::start(const routing::WebhookJob& job) {
  const std::size_t backend = job.route->conf.backend;
  if (job.kind == webhook::EventKind::kDisconnect) {
    backlogs_[backend]->add(job);
    return;
  }
  if (job.kind == webhook::EventKind::kMessage && job.route->conf.batch_max > 1) {
    add_to_batches(job);
    return;
  }
  calls_.emplace_back(context_, *backends_[backend].pool, OwnedJob(job), backend::Priority::kLive,
                      static_cast<CallListener*>(this));
  WebhookCall& call = calls_.back();
  call.place = std::prev(calls_.end());
  call.start();
}

void WebhookClient::on_call_done(WebhookCall& call, routing::WebhookResult& result) {
  calls_.erase(call.place);
  results_->on_webhook_result(result);
}

void WebhookClient::add_to_batches(const routing::WebhookJob& job) {
  const auto [queue, is_new] = batches_.try_emplace(
      job.route, context_, *backends_[job.route->conf.backend].pool, job.facts->endpoint,
      *job.route, results_, static_cast<BatchQueueListener*>(this));
  queue->second.add(job);
}

void WebhookClient::on_queue_idle(const routing::Route& route) { batches_.erase(&route); }

void WebhookClient::cancel_all() {
  calls_.clear();
  batches_.clear();
}

std::size_t WebhookClient::backlog() const {
  std::size_t total = 0;
  for (const auto& backlog : backlogs_) total += backlog->size();
  return total;
}

void WebhookClient::end_backlog() {
  for (const auto& backlog : backlogs_) backlog->end();
}

void WebhookClient::drop_all() {
  cancel_all();
  for (const auto& backlog : backlogs_) backlog->drop();
}

void WebhookClient::tell_owed_again() {
  for (const auto& backlog : backlogs_) backlog->tell_again();
}

}  // namespace sockhook::webhooks
