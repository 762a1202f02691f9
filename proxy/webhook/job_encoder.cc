#include "proxy/webhook/job_encoder.h"

#include "protocol/webhook/lambda_event.h"
#include "proxy/net/loop.h"

namespace sockhook::webhooks {

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

JobEncoder::Request JobEncoder::encode(const routing::WebhookJob& job, std::size_t url) {
  const routing::ConnectionFacts& facts = *job.facts;
  const webhook::WebhookRequest& prepared = job.route->requests[url];
  webhook::Event event = event_of(job);
  const std::string traceparent =
      webhook::traceparent(facts.trace.trace, random_.bytes<sizeof(webhook::SpanId)>());
  event.client_address = facts.client_text;
  event.traceparent = traceparent;
  webhook::WebhookRequest::Signing signing;
  if (signer_.is_enabled()) signing = {&signer_, net::Loop::wall_ms() / 1000};
  head_.clear();
  std::string_view body;
  if (facts.endpoint->format() == webhook::Format::kLambda) {
    body = encode_lambda(job, event);
    prepared.append_lambda_head(head_, event, body, signing);
  } else {
    if (job.kind == webhook::EventKind::kMessage) body = job.payload;
    prepared.append_events_head(head_, event, signing);
  }
  if (body.size() > kSmallBodyBytes) return {head_, body};
  head_ += body;
  return {head_, {}};
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
