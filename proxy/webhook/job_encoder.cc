#include "proxy/webhook/job_encoder.h"

#include "protocol/webhook/base64.h"
#include "protocol/webhook/lambda_event.h"
#include "proxy/net/loop.h"

namespace sockhook::webhooks {
namespace {

constexpr std::size_t kBatchIdBytes = 15;

}  // namespace

webhook::Event JobEncoder::event_of(const routing::WebhookJob& job) const {
  const routing::ConnectionFacts& facts = *job.facts;
  webhook::Event event;
  event.kind = job.kind;
  event.time_ms = job.time_ms;
  event.number = job.number;
  event.connection_id = facts.id.view();
  event.node = facts.owner ? std::string_view(*facts.owner) : std::string_view(node_);
  event.endpoint = facts.endpoint->conf.name;
  event.route_key = job.route->key;
  event.user = facts.user;
  event.state = facts.state;
  event.proto = facts.proto();
  event.host = facts.host;
  event.tracestate = facts.trace.tracestate;
  event.handshake = job.handshake;
  event.query = job.query;
  if (facts.client_subject) event.client_subject = *facts.client_subject;
  if (facts.claims) event.claims = *facts.claims;
  event.payload = job.payload;
  event.is_binary = job.is_binary;
  event.is_json = job.is_json;
  if (job.route->conf.content_type) event.content_type = *job.route->conf.content_type;
  event.close_code = job.close_code;
  event.close_reason = job.close_reason;
  event.closed_by = job.closed_by;
  return event;
}

std::string JobEncoder::event_id(const routing::WebhookJob& job) const {
  return webhook::event_id(event_of(job));
}

// With what each try has of its own.
webhook::Event JobEncoder::event_of_try(const routing::WebhookJob& job) {
  webhook::Event event = event_of(job);
  traceparent_ =
      webhook::traceparent(job.facts->trace.trace, random_.bytes<sizeof(webhook::SpanId)>());
  event.client_address = job.facts->client_text;
  event.traceparent = traceparent_;
  return event;
}

webhook::WebhookRequest::Signing JobEncoder::signing() const {
  if (!signer_.is_enabled()) return {};
  return {&signer_, net::Loop::wall_ms() / 1000};
}

// The request whose head is in head_.
JobEncoder::Request JobEncoder::joined(std::string_view body) {
  if (body.size() > kSmallBodyBytes) return {head_, body};
  head_ += body;
  return {head_, {}};
}

JobEncoder::Request JobEncoder::encode(const routing::WebhookJob& job, std::size_t url) {
  const webhook::WebhookRequest& prepared = job.route->requests[url];
  const webhook::Event event = event_of_try(job);
  head_.clear();
  std::string_view body;
  if (job.facts->endpoint->format() == webhook::Format::kLambda) {
    body = encode_lambda(job, event);
    prepared.append_lambda_head(head_, event, body, signing());
  } else {
    if (job.kind == webhook::EventKind::kMessage) body = job.payload;
    prepared.append_events_head(head_, event, signing());
  }
  return joined(body);
}

bool JobEncoder::add_to_batch(const routing::WebhookJob& job, std::size_t max_bytes) {
  return batch_.add(event_of_try(job), max_bytes);
}

JobEncoder::Request JobEncoder::end_batch(const routing::Route& route, std::string_view id,
                                          std::size_t url) {
  const std::string_view body = batch_.end();
  head_.clear();
  route.requests[url].append_batch_head(head_, id, body, signing());
  return joined(body);
}

std::string JobEncoder::fresh_batch_id() {
  const auto random = random_.bytes<kBatchIdBytes>();
  return "batch-" +
         webhook::base64url({reinterpret_cast<const char*>(random.data()), random.size()});
}

std::string_view JobEncoder::encode_lambda(const routing::WebhookJob& job,
                                           const webhook::Event& event) {
  const routing::ConnectionFacts& facts = *job.facts;
  const conf::Lambda& lambda = facts.endpoint->conf.lambda;
  webhook::LambdaContext context;
  context.api_id = lambda.api_id;
  context.stage = lambda.stage;
  context.domain_name = lambda.domain_name ? *lambda.domain_name : facts.host;
  context.stage_variables = &lambda.stage_variables;
  // One value for the connection's life, $connect included: handlers make keys of it.
  context.connected_at_ms = facts.handshake_at_ms;
  context.user_agent = facts.user_agent;
  context.claims = facts.flat_claims.get();
  lambda_body_ = webhook::lambda_event(event, context);
  return lambda_body_;
}

}  // namespace sockhook::webhooks
