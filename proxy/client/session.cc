// A session's way in: bytes become messages, messages become webhooks.

#include "proxy/client/session.h"

#include <algorithm>
#include <utility>

#include "protocol/webhook/error_frame.h"
#include "protocol/webhook/event.h"
#include "protocol/webhook/request_id.h"
#include "protocol/websocket/close_code.h"
#include "proxy/client/hub.h"
#include "proxy/client/session_log.h"

namespace sockhook::client {

using webhook::ClosedBy;
using websocket::Opcode;
using Outcome = routing::WebhookResult::Outcome;
namespace close_code = websocket::close_code;

Session::Session(SessionContext& context, uint32_t slot,
                 std::shared_ptr<routing::ConnectionFacts> facts, HandshakeResponder* responder,
                 std::vector<std::string> offered_subprotocols)
    : context_(context),
      facts_(std::move(facts)),
      reader_(context.decoders),
      held_(std::make_unique<Held>()),
      slot_(slot) {
  held_->responder = responder;
  held_->offered = std::move(offered_subprotocols);
}

bool Session::is_gone() const {
  if (state_ == State::kConnecting) return held_->is_abandoned;
  return !is_open();
}

Session::~Session() { SOCKHOOK_CHECK(stream_ == nullptr); }

void Session::on_read(std::string_view data) {
  last_received_ms_ = now_ms();
  if (!may_process() || !stash_.empty()) {
    stash_.append(data);
    pause_reading();
    return;
  }
  process(data);
}

bool Session::may_process() const {
  return drops_messages() || (!is_at_limit() && !is_waiting_for_token() && !has_said_enough());
}

bool Session::is_at_limit() const { return in_flight_ >= facts_->endpoint->conf.in_flight; }

// What is read behind our own close frame was not sent before the close. What waits in the stash
// was: then reading is paused.
bool Session::drops_messages() const {
  if (is_lost_) return true;
  return state_ == State::kClosing && is_reading_ && !has_vanished();
}

// Takes events from `input` until it is empty or the limit of webhooks in flight is reached; the
// rest goes to the stash. The socket is not paused yet: a client that waits for its answer sends
// nothing more, and pausing costs system calls.
void Session::process(std::string_view input) {
  const websocket::ReaderLimits reader_limits = {
      limits().message_size, limits().frame_size.value_or(0), limits().binary,
      static_cast<uint32_t>(limits().fragments),
      compression_ ? &compression_->inflater(context_.compression) : nullptr};
  while (!input.empty() && !reader_.is_ended()) {
    if (!may_process()) {
      stash_.assign(input);
      return;
    }
    const websocket::Incoming incoming = reader_.next(&input, reader_limits);
    switch (incoming.kind) {
      case websocket::Incoming::Kind::kNeedMore:
        if (is_open() && !input.empty()) count_idle_words(0);
        break;
      case websocket::Incoming::Kind::kPong:
        if (is_open()) count_idle_words(0);
        break;
      case websocket::Incoming::Kind::kMessage:
        on_message(incoming);
        break;
      case websocket::Incoming::Kind::kPing:
        if (!is_open()) break;
        count_idle_words(0);
        send(websocket::encode_frame(Opcode::kPong, incoming.payload));
        break;
      case websocket::Incoming::Kind::kClose:
        on_client_close(incoming);
        break;
      case websocket::Incoming::Kind::kViolation:
        close_with(incoming.close_code, incoming.reason, ClosedBy::kProxy);
        // The rest of the stream has no meaning: FIN goes out behind the close frame at once.
        if (stream_) stream_->shutdown();
        break;
    }
  }
}

void Session::on_message(const websocket::Incoming& message) {
  if (drops_messages()) return;
  const routing::Endpoint& endpoint = *facts_->endpoint;
  observe::EndpointMetrics& metrics = context_.metrics_of(endpoint);
  metrics.messages_in.add(1);
  metrics.message_bytes_in.add(message.payload.size());
  last_message_ms_ = now_ms();
  facts_->last_active_at_ms = net::Loop::wall_ms();
  if (!take_message_token()) return count_idle_words(message.payload.size());
  const routing::Selection selection =
      endpoint.select(message.payload, message.binary, context_.selector);
  if (selection.route == nullptr) {
    count_idle_words(message.payload.size());
    send_error_frame(webhook::kForbidden, fresh_request_id());
    return;
  }
  routing::WebhookJob job;
  job.facts = facts_;
  job.route = selection.route;
  job.kind = webhook::EventKind::kMessage;
  job.time_ms = facts_->last_active_at_ms;
  job.number = ++messages_;
  job.payload = message.payload;
  job.is_binary = message.binary;
  job.is_json = selection.is_json;
  ++in_flight_;
  context_.jobs.start(job);
}

void Session::on_client_close(const websocket::Incoming& close) {
  if (is_open()) {
    start_closing({close.close_code, std::string(close.reason), ClosedBy::kClient});
    stream_->write_shared(websocket::encode_close_frame(close.close_code, {}));
  } else if (has_vanished()) {
    // It waited behind messages while the client, tired of waiting for our answer, vanished.
    cause_->code = close.close_code;
    cause_->reason = close.reason;
  }
  // Either way the close handshake is complete.
  close_stream_when_written();
}

void Session::on_webhook_result(routing::WebhookResult& result) {
  if (result.kind == webhook::EventKind::kConnect) {
    on_connect_result(result);
  } else {
    on_message_result(result);
  }
}

void Session::on_message_result(routing::WebhookResult& result) {
  // At the limit nothing is taken from the client, which is no idleness of its own (contract 3.3).
  if (is_at_limit()) last_message_ms_ = now_ms();
  --in_flight_;
  if (result.outcome == Outcome::kAnswered) {
    const int status = result.answer.status;
    webhook::MessageAnswer answer =
        webhook::interpret_message_answer(facts_->endpoint->format(), std::move(result.answer));
    report_mistakes(answer.effects);
    if (answer.is_failure()) {
      log_backend_failure(*facts_, request_id_of(result.kind, result.number), status, answer.why);
    }
    apply(answer.effects);
    switch (answer.outcome) {
      case webhook::MessageAnswer::Outcome::kFrames:
        send_frames(answer.frames);
        break;
      case webhook::MessageAnswer::Outcome::kErrorFrame:
        send_error_frame(answer.error, request_id_of(result.kind, result.number));
        break;
      case webhook::MessageAnswer::Outcome::kBackendFailure:
        fail_message(answer.error, result.number);
        break;
    }
    if (answer.effects.close) close(answer.effects.close->code, answer.effects.close->reason);
  } else {
    const bool timed_out =
        result.outcome == Outcome::kTimedOut || result.outcome == Outcome::kQueueTimedOut;
    fail_message(timed_out ? webhook::kRequestTimedOut : webhook::kInternalServerError,
                 result.number);
  }
  advance();
}

// Goes on with whatever a webhook's end, a token or the socket's end has made possible.
// May destroy the session.
void Session::advance() {
  while (!stash_.empty() && may_process()) {
    const std::string input = std::exchange(stash_, {});
    process(input);
    if (reader_.is_ended()) stash_.clear();
  }
  if (state_ == State::kConnecting) return;
  if (state_ == State::kFinishing) {
    if (in_flight_ == 0 && stash_.empty()) finish();
    return;
  }
  if (!stash_.empty()) return;
  if (is_draining_ && is_open()) {
    if (in_flight_ > 0) return;
    close_with(close_code::kServiceRestart, "service restart", ClosedBy::kProxy);
  }
  resume_reading();
}

void Session::pause_reading() {
  if (!is_reading_) return;
  is_reading_ = false;
  reading_paused_at_ms_ = now_ms();
  stream_->stop_reading();
}

void Session::resume_reading() {
  if (is_reading_ || !stream_ || stream_->is_closing()) return;
  is_reading_ = true;
  // Time without reading is no silence of the peer (contract 3.3).
  const uint64_t now = now_ms();
  const uint64_t paused_ms = now - reading_paused_at_ms_;
  last_received_ms_ = std::min(last_received_ms_ + paused_ms, now);
  last_message_ms_ = std::min(last_message_ms_ + paused_ms, now);
  stream_->start_reading();
  if (state_ == State::kClosing && has_vanished()) restart_close_timeout();
  arm();
}

}  // namespace sockhook::client
