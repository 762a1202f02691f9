// JobEncoder: a job, or a batch of them, becomes the bytes of an HTTP request to one of the
// backend's addresses.
//
// Each try is encoded anew: another address has another Host and path, another try another span and
// signature time; ce-id and ce-time stay (contract 4.1). Owner: a WebhookClient. Thread: its own.

#pragma once

#include <string>
#include <string_view>

#include "protocol/webhook/batch_writer.h"
#include "protocol/webhook/event.h"
#include "proxy/random.h"
#include "proxy/routing/webhook_job.h"

namespace sockhook::webhooks {

class JobEncoder {
 public:
  JobEncoder(std::string node, const webhook::Signer& signer, Random& random)
      : node_(std::move(node)), signer_(signer), random_(random) {}

  // Valid until the next encode(). A small body stands behind its head already: one buffer is
  // cheaper to write than two.
  struct Request {
    std::string_view head;
    std::string_view body;
  };
  Request encode(const routing::WebhookJob& job, std::size_t url);

  // A batch: begun, filled with events of one route, ended.
  void begin_batch() { batch_.clear(); }
  // False: with this event its body would be longer than that; the first one always fits.
  bool add_to_batch(const routing::WebhookJob& job, std::size_t max_bytes);
  Request end_batch(const routing::Route& route, std::string_view id, std::size_t url);
  std::string fresh_batch_id();

  // The id that logs, retries and error frames share.
  std::string event_id(const routing::WebhookJob& job) const;

 private:
  static constexpr std::size_t kSmallBodyBytes = 4096;

  webhook::Event event_of(const routing::WebhookJob& job) const;
  webhook::Event event_of_try(const routing::WebhookJob& job);
  webhook::WebhookRequest::Signing signing() const;
  Request joined(std::string_view body);
  std::string_view encode_lambda(const routing::WebhookJob& job, const webhook::Event& event);

  const std::string node_;
  const webhook::Signer& signer_;
  Random& random_;
  std::string head_;  // these keep their memory from one request to the next
  std::string traceparent_;
  std::string lambda_body_;
  webhook::BatchWriter batch_;
};

}  // namespace sockhook::webhooks
