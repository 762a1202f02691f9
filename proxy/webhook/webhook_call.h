// WebhookCall: one job on its way to the backend and back; see WebhookFlow.
//
// Owner: whoever is its CallListener, which erases it in on_call_done. Thread: the worker's.

#pragma once

#include <cstdint>
#include <list>
#include <utility>

#include "proxy/routing/owned_job.h"
#include "proxy/webhook/webhook_flow.h"

namespace sockhook::webhooks {

using routing::OwnedJob;

class WebhookCall;

class CallListener {
 public:
  // The last event of a call: destroys it. May be called from inside no start().
  virtual void on_call_done(WebhookCall& call, routing::WebhookResult& result) = 0;

 protected:
  ~CallListener() = default;
};

class WebhookCall final : WebhookFlow {
 public:
  using List = std::list<WebhookCall>;

  WebhookCall(CallContext& context, backend::BackendPool& pool, OwnedJob job,
              backend::Priority priority, CallListener* listener);

  void start();

  const OwnedJob& job() const { return job_; }
  OwnedJob take_job() { return std::move(job_); }
  // Where its owner keeps it.
  List::iterator place;

 private:
  JobEncoder::Request encode(std::size_t url) override;
  void on_sent() override;
  uint64_t ends_at_ms() const override { return ends_at_ms_; }
  void on_end(Outcome outcome) override;
  const void* client() const override {
    return job_->facts->endpoint->conf.in_flight > 1 ? job_->facts.get() : nullptr;
  }

  OwnedJob job_;
  CallListener* const listener_;
  uint64_t ends_at_ms_ = 0;
};

}  // namespace sockhook::webhooks
