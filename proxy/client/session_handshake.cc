// The first part of a session's life: from $connect to the 101, or to the refusal.

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/auth/flat_claims.h"
#include "protocol/http/http_writer.h"
#include "protocol/websocket/close_code.h"
#include "proxy/client/hub.h"
#include "proxy/client/session.h"
#include "proxy/client/session_log.h"

namespace sockhook::client {

using observe::HandshakeResult;
using webhook::ClosedBy;
using Outcome = routing::WebhookResult::Outcome;

void Session::grant(TokenGrant grant) {
  facts_->user = std::move(grant.user);
  if (facts_->endpoint->format() == webhook::Format::kLambda) {
    facts_->flat_claims =
        std::make_shared<const routing::FlatClaims>(auth::flat_claims(*grant.claims));
  }
  facts_->claims = std::move(grant.claims);
  held_->groups = std::move(grant.groups);
  if (grant.ignored_groups > 0) {
    webhook::Effects effects;
    effects.mistakes.assign(grant.ignored_groups, "a group of the token is no valid name");
    report_mistakes(effects);
  }
  if (grant.ends_at_ms) {
    const int64_t left_ms = std::max<int64_t>(*grant.ends_at_ms - net::Loop::wall_ms(), 0);
    expires_at_ms_ = now_ms() + static_cast<uint64_t>(left_ms);
  }
}

void Session::begin(const http::Headers& handshake, std::string_view query) {
  const routing::Endpoint& endpoint = *facts_->endpoint;
  if (const auto& compression = endpoint.conf.compression) {
    held_->deflate =
        websocket::accept_deflate_offer(handshake, {.takeover = compression->takeover});
  }
  if (endpoint.connect == nullptr) {
    webhook::ConnectAnswer accepted;
    accepted.outcome = webhook::ConnectAnswer::Outcome::kAccepted;
    owes_disconnect_ = true;
    conclude(accepted, HandshakeResult::kAccepted);
    return;
  }
  routing::WebhookJob job;
  job.facts = facts_;
  job.route = endpoint.connect;
  job.kind = webhook::EventKind::kConnect;
  job.time_ms = facts_->handshake_at_ms;
  job.handshake = &handshake;
  job.query = query;
  ++in_flight_;
  context_.jobs.start(job);
}

void Session::on_handshake_aborted() {
  if (!held_ || held_->is_abandoned) return;
  held_->responder = nullptr;
  abandon(ClosedBy::kClient, HandshakeResult::kClientGone);
}

// The handshake has failed while $connect runs: its answer only says whether a $disconnect is owed.
void Session::abandon(ClosedBy by, HandshakeResult result) {
  cause_ =
      std::make_unique<CloseCause>(CloseCause{websocket::close_code::kAbnormal, std::string(), by});
  held_->pushes.clear();
  held_->is_abandoned = true;
  context_.metrics_of(*facts_->endpoint).handshakes[result].add(1);
}

void Session::refuse(int status, const http::Headers& headers, std::string_view body,
                     HandshakeResult result) {
  const ClosedBy by = result == HandshakeResult::kDeleted ? ClosedBy::kBackend : ClosedBy::kProxy;
  abandon(by, result);
  std::exchange(held_->responder, nullptr)->refuse(status, headers, body);
}

push::Delivery Session::close_connecting() {
  if (held_->is_abandoned) return push::Delivery::kGone;
  refuse(403, {}, {}, HandshakeResult::kDeleted);
  return push::Delivery::kDone;
}

// Up to `send_queue`, or any one message (contract 3.2).
push::Delivery Session::hold(const websocket::SharedFrame& frame, std::size_t payload_bytes) {
  const std::size_t bytes = held_->bytes + frame->size();
  if (!held_->pushes.empty() && bytes > limits().send_queue) return push::Delivery::kSlow;
  held_->bytes = bytes;
  held_->pushes.push_back({frame, payload_bytes});
  return push::Delivery::kHeld;
}

void Session::on_connect_result(routing::WebhookResult& result) {
  --in_flight_;
  webhook::ConnectAnswer answer;
  HandshakeResult failure = HandshakeResult::kBackendFailure;
  switch (result.outcome) {
    case Outcome::kAnswered: {
      const websocket::Subprotocols offered(held_->offered.begin(), held_->offered.end());
      const int status = result.answer.status;
      answer = webhook::interpret_connect_answer(facts_->endpoint->format(),
                                                 std::move(result.answer), offered);
      if (answer.outcome == webhook::ConnectAnswer::Outcome::kFailed) {
        log_backend_failure(*facts_, request_id_of(result.kind, 0), status, answer.why);
        answer.status = 502;
      } else if (!answer.is_accepted()) {
        failure = HandshakeResult::kRefused;
      }
      break;
    }
    case Outcome::kTimedOut:
      answer.status = 504;
      failure = HandshakeResult::kTimedOut;
      break;
    case Outcome::kQueueTimedOut:
    case Outcome::kBreakerOpen:
      answer.status = 503;
      answer.headers.add("Retry-After", std::to_string(std::max<uint64_t>(
                                            1, (result.retry_after_ms + 999) / 1000)));
      failure = HandshakeResult::kBackendBusy;
      break;
    case Outcome::kUnreachable:
    case Outcome::kBroken:
      answer.status = 502;
      break;
  }
  // Whoever may have seen the $connect is told of its end (contract 3.4).
  owes_disconnect_ = result.may_have_arrived && !answer.is_refused_by_backend;
  conclude(answer, failure);
}

void Session::conclude(webhook::ConnectAnswer& answer, HandshakeResult failure) {
  facts_->claims.reset();  // nobody else asks for them, and they may be 4 KiB
  // Of a connection that never opens the $disconnect still tells what its $connect has set.
  if (answer.effects.user) facts_->user = *answer.effects.user;
  if (answer.effects.state) facts_->state = *answer.effects.state;
  if (!held_->is_abandoned) {
    if (!answer.is_accepted()) {
      refuse(answer.status, answer.headers, answer.body, failure);
    } else if (!take_users_place()) {
      // Of a connection without a $connect the backend knows nothing.
      if (facts_->endpoint->connect == nullptr) owes_disconnect_ = false;
      refuse(429, {}, "too many connections of this user\n", HandshakeResult::kUserFull);
    }
  }
  if (held_->is_abandoned) {
    held_.reset();
    state_ = State::kFinishing;
    finish();
    return;
  }
  open(answer);
}

// False: it is one connection too many for the user.
bool Session::take_users_place() {
  if (facts_->user.empty()) return true;
  has_users_place_ = context_.admission.enter_user(facts_->endpoint->conf, facts_->user) ==
                     AdmissionResult::kAdmitted;
  return has_users_place_;
}

// Order (contract 3.2): the 101, the answer's effects, its frames, then what was pushed meanwhile.
void Session::open(webhook::ConnectAnswer& answer) {
  HandshakeResponder::Upgraded upgraded = held_->responder->upgrade();
  const std::unique_ptr<Held> held = std::move(held_);
  stream_ = std::move(upgraded.stream);
  stream_->set_listener(this);
  stash_ = std::move(upgraded.unread);
  state_ = State::kOpen;
  facts_->connected_at_ms = facts_->last_active_at_ms = net::Loop::wall_ms();
  facts_->subprotocol = answer.subprotocol;
  if (facts_->subprotocol.empty()) {
    const websocket::Subprotocols offered(held->offered.begin(), held->offered.end());
    facts_->subprotocol = websocket::choose_subprotocol(offered, facts_->endpoint->conf.protocols);
  }
  last_received_ms_ = last_message_ms_ = last_ping_ms_ = reading_paused_at_ms_ = now_ms();
  if (held->deflate) {
    compression_ =
        std::make_unique<SessionCompression>(*held->deflate, *facts_->endpoint->conf.compression);
  }
  start_timers();
  observe::EndpointMetrics& metrics = context_.metrics_of(*facts_->endpoint);
  metrics.connections.add(1);
  metrics.handshakes[HandshakeResult::kAccepted].add(1);

  cork();
  write_switching_protocols(upgraded.accept_key, answer, held->deflate);
  if (!facts_->user.empty()) context_.hub.users().join(facts_->user, this, users_);
  report_mistakes(answer.effects);
  for (const std::string& group : held->groups) set_membership(group, true);
  apply(answer.effects);
  for (const auto& [group, joins] : held->memberships) set_membership(group, joins);
  send_frames(answer.frames);
  for (const Held::Push& push : held->pushes) {
    if (!is_open()) break;
    // Promised, and bounded when it was: whatever the queue holds by now.
    write(push.frame);
    count_sent(push.payload_bytes);
  }
  if (answer.effects.close) close(answer.effects.close->code, answer.effects.close->reason);
  uncork();
  if (context_.journal != nullptr) context_.journal->opened(facts_);
  if (is_draining_ || !stash_.empty()) {
    advance();
  } else {
    resume_reading();
  }
}

void Session::write_switching_protocols(const std::string& accept_key,
                                        const webhook::ConnectAnswer& answer,
                                        const std::optional<websocket::DeflateTerms>& deflate) {
  std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  http::write_header(head, "Sec-WebSocket-Accept", accept_key);
  if (!facts_->subprotocol.empty()) {
    http::write_header(head, "Sec-WebSocket-Protocol", facts_->subprotocol);
  }
  if (deflate) http::write_header(head, "Sec-WebSocket-Extensions", deflate->to_header());
  for (const std::string& cookie : answer.set_cookies) {
    http::write_header(head, "Set-Cookie", cookie);
  }
  http::end_head(head);
  stream_->write(head);
}

}  // namespace sockhook::client
