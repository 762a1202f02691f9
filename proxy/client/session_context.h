// SessionContext: what the sessions of one worker share. Owner: the Worker. Thread: the worker's.

#pragma once

#include "protocol/webhook/route_selector.h"
#include "protocol/websocket/decoder_pool.h"
#include "proxy/client/admission.h"
#include "proxy/client/compression.h"
#include "proxy/net/loop.h"
#include "proxy/observe/metrics.h"
#include "proxy/random.h"
#include "proxy/routing/connection_journal.h"
#include "proxy/routing/webhook_job.h"

namespace sockhook::client {

class Hub;

struct SessionContext {
  net::Loop& loop;
  routing::WebhookJobs& jobs;
  Admission& admission;
  observe::WorkerMetrics& metrics;
  Random& random;
  Hub& hub;
  websocket::DecoderPool decoders;
  webhook::MessageParser selector;
  routing::ConnectionJournal* journal = nullptr;  // null: there is no cluster
  SharedCompression compression{loop};

  observe::EndpointMetrics& metrics_of(const routing::Endpoint& endpoint) {
    return *metrics.endpoints[endpoint.index];
  }
};

}  // namespace sockhook::client
