// What a public connection does with a handshake: the checks before any backend is asked, in the
// order of what they cost, and the session that asks it.

#include <utility>

#include "protocol/http/target.h"
#include "protocol/websocket/handshake.h"
#include "proxy/client/origin.h"
#include "proxy/client/public_connection.h"
#include "proxy/observe/log.h"

namespace sockhook::client {

using observe::HandshakeResult;

namespace {

constexpr std::string_view kRetryAfterSeconds = "5";
// How long a handshake waits for keys that an issuer is being asked for.
constexpr uint64_t kKeysWaitMs = 2000;

}  // namespace

void PublicConnection::start_handshake() {
  HandshakeResult malformed = HandshakeResult::kMalformed;
  const auto path = http::plain_path(http::split_target(handshake_->target).path);
  if (!path) return turn_away(400, "the path is ambiguous\n", malformed, nullptr);
  endpoint_ = context_.routes.find(*path);
  if (!endpoint_) return turn_away(404, "no such endpoint\n", HandshakeResult::kNotFound, nullptr);
  if (const auto refusal = websocket::check_upgrade(*handshake_)) {
    context_.sessions.metrics_of(*endpoint_).handshakes[malformed].add(1);
    http::Headers headers;
    if (!refusal->header_name.empty()) headers.add(refusal->header_name, refusal->header_value);
    return answer(refusal->status, std::string(refusal->detail) + "\n", headers);
  }
  if (!may_enter()) return;
  const auto& gate = context_.token_gates[endpoint_->index];
  if (!gate) return admit(std::nullopt);
  tokens_ = take_tokens(gate->issuers(), *handshake_);
  check_token();
}

bool PublicConnection::may_enter() {
  if (!is_open_to_clients()) return false;
  // With TLS its connection counts for the first one.
  if (!std::exchange(has_taken_handshake_, false) &&
      !context_.sessions.admission.take_handshake(context_.loop.now_ms())) {
    turn_away(429, "too many handshakes\n", HandshakeResult::kHandshakeRate, endpoint_.get());
    return false;
  }
  const std::string* origin = handshake_->headers.find("Origin");
  if (origin != nullptr && !is_origin_allowed(*origin, endpoint_->conf.origins)) {
    turn_away(403, "origin not allowed\n", HandshakeResult::kOriginRefused, endpoint_.get());
    return false;
  }
  return true;
}

bool PublicConnection::is_open_to_clients() {
  const auto no = [&](std::string_view why, HandshakeResult result) {
    turn_away(503, why, result, endpoint_.get());
    return false;
  };
  if (context_.is_draining) return no("shutting down\n", HandshakeResult::kDraining);
  if (context_.is_cut_off.load(std::memory_order_relaxed)) {
    return no("the node is cut off from its cluster\n", HandshakeResult::kNodeLost);
  }
  if (context_.is_short_of_memory.load(std::memory_order_relaxed) || context_.is_backlog_full) {
    return no("the node is full\n", HandshakeResult::kNodeFull);
  }
  return true;
}

// ---------------------------------------------------------------------------------------------
// Tokens.

void PublicConnection::check_token() {
  const TokenGate& gate = *context_.token_gates[endpoint_->index];
  TokenGate::Verdict verdict = gate.check(tokens_, net::Loop::wall_ms() / 1000);
  switch (verdict.kind) {
    case TokenGate::Verdict::Kind::kGranted:
      return admit(std::move(verdict.grant));
    case TokenGate::Verdict::Kind::kMissing:
      return deny("a token is needed", false);
    case TokenGate::Verdict::Kind::kRefused:
      return refuse_token(verdict);
    case TokenGate::Verdict::Kind::kWait:
      if (context_.waiting_for_keys >= PublicContext::kMaxWaitingForKeys) {
        return refuse_token(verdict);
      }
      is_waiting_for_keys_ = true;
      ++context_.waiting_for_keys;
      // One for all waits of this handshake together.
      if (!deadline_.is_armed()) context_.loop.deadlines().arm(deadline_, kKeysWaitMs);
  }
}

void PublicConnection::end_wait() {
  is_waiting_for_keys_ = false;
  --context_.waiting_for_keys;
}

void PublicConnection::on_keys_refreshed() {
  if (!is_waiting_for_keys_) return;
  end_wait();
  check_token();
}

void PublicConnection::on_keys_missing() {
  end_wait();
  const TokenGate& gate = *context_.token_gates[endpoint_->index];
  TokenGate::Verdict verdict = gate.check(tokens_, net::Loop::wall_ms() / 1000);
  // They may have come just now.
  if (verdict.kind == TokenGate::Verdict::Kind::kGranted) return admit(std::move(verdict.grant));
  refuse_token(verdict);
}

// Nobody can say of a token that it is bad whose issuer's keys have never been seen.
void PublicConnection::refuse_token(const TokenGate::Verdict& verdict) {
  if (!verdict.lacks_keys) return deny(auth::describe(verdict.error), true);
  turn_away(503, "the issuer's keys are not known yet\n", HandshakeResult::kNoKeys,
            endpoint_.get());
}

// RFC 6750 section 3: who has shown no token is told of no error.
void PublicConnection::deny(std::string_view why, bool has_token) {
  observe::LogLine(observe::Level::kDebug, "handshake without a valid token")
      .field("endpoint", endpoint_->conf.name)
      .field("client", client_of(handshake_->headers).client.to_string())
      .field("why", why);
  std::string challenge = "Bearer";
  if (has_token) {
    challenge.append(" error=\"invalid_token\", error_description=\"").append(why).append("\"");
  }
  turn_away(401, std::string(why) + "\n", HandshakeResult::kUnauthorized, endpoint_.get(),
            {{"WWW-Authenticate", challenge}});
}

// ---------------------------------------------------------------------------------------------
// Sessions.

void PublicConnection::admit(std::optional<TokenGrant> grant) {
  const auto no = [&](int status, std::string_view why, HandshakeResult result) {
    turn_away(status, why, result, endpoint_.get());
  };
  Admission& admission = context_.sessions.admission;
  switch (admission.enter(endpoint_->conf, client_of(handshake_->headers).client)) {
    case AdmissionResult::kNodeFull:
      return no(503, "the node is full\n", HandshakeResult::kNodeFull);
    case AdmissionResult::kEndpointFull:
      return no(503, "the endpoint is full\n", HandshakeResult::kEndpointFull);
    case AdmissionResult::kAddressFull:
      return no(429, "too many connections of this address\n", HandshakeResult::kAddressFull);
    case AdmissionResult::kAdmitted:
    case AdmissionResult::kUserFull:
      break;
  }
  begin_session(std::move(grant));
}

void PublicConnection::begin_session(std::optional<TokenGrant> grant) {
  is_guest_ = false;
  context_.sessions.admission.part_with_guest();
  const std::unique_ptr<http::RequestHead> handshake = std::move(handshake_);
  http::Forwarded client = client_of(handshake->headers);
  auto facts = std::make_shared<routing::ConnectionFacts>();
  facts->endpoint = std::move(endpoint_);
  facts->client = client.client;
  facts->client_text = client.client.to_string();
  facts->is_secure = client.proto == "https";
  facts->host = std::move(client.host);
  std::string subject = tls_ != nullptr ? tls_->peer_subject() : std::string();
  if (!subject.empty()) {
    facts->client_subject = std::make_shared<const std::string>(std::move(subject));
  }
  if (const std::string* agent = handshake->headers.find("User-Agent")) facts->user_agent = *agent;
  facts->trace =
      webhook::trace_of_handshake(handshake->headers, context_.sessions.random.bytes<16>());
  facts->handshake_at_ms = facts->last_active_at_ms = net::Loop::wall_ms();
  const auto offered = websocket::offered_subprotocols(*handshake);
  SOCKHOOK_CHECK(offered.has_value());  // check_upgrade has looked
  Session& session = context_.sessions.hub.create(context_.sessions, std::move(facts), this,
                                                  {offered->begin(), offered->end()});
  session_ = session.facts().id;
  accept_key_ = websocket::accept_key(*handshake->headers.find("Sec-WebSocket-Key"));
  forget_handshake();
  if (grant) session.grant(std::move(*grant));
  // It has waited for keys meanwhile: completed, and closed with the others.
  if (context_.is_draining || context_.is_cut_off.load(std::memory_order_relaxed)) session.drain();
  session.begin(handshake->headers, http::split_target(handshake->target).query);
}

HandshakeResponder::Upgraded PublicConnection::upgrade() {
  session_.reset();
  tls_ = nullptr;
  http::ServerConnection::Detached detached = http_->detach();
  return {std::move(detached.stream), std::move(detached.unread), std::move(accept_key_)};
}

void PublicConnection::refuse(int status, const http::Headers& headers, std::string_view body) {
  session_.reset();
  is_guest_ = true;
  static_cast<void>(context_.sessions.admission.welcome_guest());  // who comes next makes room
  http_->respond(status, headers, body);
}

void PublicConnection::turn_away(int status, std::string_view why, HandshakeResult result,
                                 const routing::Endpoint* endpoint, http::Headers headers) {
  observe::WorkerMetrics& metrics = context_.sessions.metrics;
  auto& results = endpoint != nullptr ? metrics.endpoints[endpoint->index]->handshakes
                                      : metrics.unmatched_handshakes;
  results[result].add(1);
  if (status == 429 || status == 503) headers.add("Retry-After", kRetryAfterSeconds);
  answer(status, why, headers);
}

void PublicConnection::answer(int status, std::string_view why, const http::Headers& headers) {
  forget_handshake();
  http::Headers all = headers;
  all.add("Content-Type", "text/plain; charset=utf-8");
  http_->respond(status, all, why);
}

// It is answered, or a session has what is to be kept of it.
void PublicConnection::forget_handshake() {
  handshake_.reset();
  endpoint_.reset();
  tokens_.clear();
  deadline_.cancel();
}

}  // namespace sockhook::client
