// OwnedJob: a WebhookJob with all that it points to, so that it can be sent later, and again.

#pragma once

#include <string>
#include <utility>

#include "protocol/http/http_message.h"
#include "proxy/routing/webhook_job.h"

namespace sockhook::routing {

class OwnedJob {
 public:
  explicit OwnedJob(const WebhookJob& job) : job_(job), query_(job.query), payload_(job.payload) {
    if (job.handshake != nullptr) handshake_ = *job.handshake;
    point_to_own();
  }
  OwnedJob(OwnedJob&& other) noexcept
      : job_(std::move(other.job_)),
        handshake_(std::move(other.handshake_)),
        query_(std::move(other.query_)),
        payload_(std::move(other.payload_)) {
    point_to_own();
  }
  OwnedJob& operator=(OwnedJob&&) = delete;

  const WebhookJob& operator*() const { return job_; }
  const WebhookJob* operator->() const { return &job_; }

 private:
  void point_to_own() {
    if (job_.handshake != nullptr) job_.handshake = &handshake_;
    job_.query = query_;
    job_.payload = payload_;
  }

  WebhookJob job_;
  http::Headers handshake_;
  std::string query_;
  std::string payload_;
};

}  // namespace sockhook::routing
