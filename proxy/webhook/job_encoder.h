// JobEncoder: a job becomes the bytes of an HTTP request to one of the backend's addresses.
//
// Each try is encoded anew: another address has another Host and path, another try another span and
// signature time; ce-id and ce-time stay (contract 4.1). Owner: a WebhookClient. Thread: its own.

#pragma once

#include <string>
#include <string_view>

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

  // The id that logs, retries and error frames share.
  std::string event_id(const routing::WebhookJob& job) const;

 private:
  static constexpr std::size_t kSmallBodyBytes = 4096;

  webhook::Event event_of(const routing::WebhookJob& job) const;
  std::string_view encode_lambda(const routing::WebhookJob& job, const webhook::Event& event);

  const std::string node_;
  const webhook::Signer& signer_;
  Random& random_;
  std::string head_;  // both keep their memory from one request to the next
  std::string lambda_body_;
};

}  // namespace sockhook::webhooks
