// A session's way out: answers and pushes become frames, within the client's queue.

#include <utility>

#include "protocol/webhook/error_frame.h"
#include "protocol/webhook/event.h"
#include "protocol/webhook/request_id.h"
#include "protocol/websocket/close_code.h"
#include "proxy/client/hub.h"
#include "proxy/client/session.h"
#include "proxy/client/session_log.h"

namespace sockhook::client {

using webhook::ClosedBy;
using websocket::Opcode;
namespace close_code = websocket::close_code;

// False when the frame does not fit the client's queue: it is dropped, or starts the close.
// What waits behind the message being written is limited; an empty queue takes any one message.
bool Session::send(const websocket::SharedFrame& frame) {
  if (fits(*frame)) {
    write(frame);
    return true;
  }
  context_.metrics.slow_clients.add(1);
  if (limits().slow_client == conf::SlowClient::kClose) {
    close_with(close_code::kPolicyViolation, "slow client", ClosedBy::kProxy);
  }
  return false;
}

// A data frame, of which the queue is known to take the plain form.
void Session::write(const websocket::SharedFrame& frame) {
  stream_->write_shared(compression_ ? compression_->outgoing(frame, context_.compression) : frame);
}

bool Session::fits(const std::string& frame) {
  const auto has_room = [&] {
    const std::size_t queued = stream_->queued_bytes();
    return queued == 0 || queued + frame.size() <= limits().send_queue;
  };
  if (has_room()) return true;
  if (!is_corked_) return false;
  // What we have gathered ourselves says nothing of the client.
  uncork();
  return has_room();
}

push::Delivery Session::push(const websocket::SharedFrame& frame, std::size_t payload_bytes) {
  if (is_gone()) return push::Delivery::kGone;
  if (payload_bytes > limits().message_size) return push::Delivery::kTooLarge;
  if (state_ == State::kConnecting) return hold(frame, payload_bytes);
  if (!send(frame)) return push::Delivery::kSlow;
  count_sent(payload_bytes);
  return push::Delivery::kDone;
}

void Session::count_sent(std::size_t payload_bytes) {
  last_message_ms_ = now_ms();
  observe::EndpointMetrics& metrics = context_.metrics_of(*facts_->endpoint);
  metrics.messages_out.add(1);
  metrics.message_bytes_out.add(payload_bytes);
}

bool Session::cork() {
  if (!stream_ || is_corked_) return false;
  is_corked_ = true;
  stream_->cork();
  return true;
}

void Session::uncork() {
  is_corked_ = false;
  if (stream_) stream_->uncork();
}

void Session::send_frames(const std::vector<webhook::OutFrame>& frames) {
  for (const webhook::OutFrame& frame : frames) {
    if (!is_open()) return;
    const Opcode opcode = frame.is_binary ? Opcode::kBinary : Opcode::kText;
    if (send(websocket::encode_frame(opcode, frame.payload))) count_sent(frame.payload.size());
  }
}

void Session::fail_message(std::string_view message, uint64_t number) {
  if (facts_->endpoint->conf.close_on_error) {
    close_with(close_code::kInternalError, message, ClosedBy::kProxy);
  } else {
    send_error_frame(message, request_id_of(webhook::EventKind::kMessage, number));
  }
}

void Session::send_error_frame(std::string_view message, std::string_view request_id) {
  log_error_frame(*facts_, message, request_id);
  if (!is_open()) return;
  send(websocket::encode_frame(Opcode::kText,
                               webhook::error_frame(message, facts_->id.view(), request_id)));
}

// The event's id, as its webhook said it.
std::string Session::request_id_of(webhook::EventKind kind, uint64_t number) const {
  webhook::Event event;
  event.kind = kind;
  event.connection_id = facts_->id.view();
  event.number = number;
  const std::string id = webhook::event_id(event);
  const bool is_lambda = facts_->endpoint->format() == webhook::Format::kLambda;
  return is_lambda ? webhook::lambda_request_id(id) : id;
}

// For an error frame about a message that has no event.
std::string Session::fresh_request_id() const {
  return webhook::request_id(context_.random.bytes<webhook::kRequestIdRandomBytes>());
}

void Session::report_mistakes(const webhook::Effects& effects) {
  context_.metrics.ignored_effects.add(effects.mistakes.size());
  for (const std::string& mistake : effects.mistakes) log_ignored_effect(*facts_, mistake);
}

void Session::apply(const webhook::Effects& effects) {
  if (effects.state && *effects.state != facts_->state) {
    facts_->state = *effects.state;
    if (context_.journal != nullptr) context_.journal->changed(facts_);
  }
  for (const webhook::GroupChange& change : effects.groups) {
    if (is_open()) set_membership(change.group, change.joins);
  }
}

push::Delivery Session::set_membership(const std::string& group, bool joins) {
  if (is_gone()) return push::Delivery::kGone;
  if (state_ == State::kConnecting) {
    held_->memberships.insert_or_assign(group, joins);
    return push::Delivery::kDone;
  }
  if (joins) {
    context_.hub.groups().join(group, this, groups_);
  } else {
    context_.hub.groups().leave(group, groups_);
  }
  return push::Delivery::kDone;
}

push::ConnectionInfo Session::describe() const {
  push::ConnectionInfo info;
  info.id = facts_->id.view();
  info.endpoint = facts_->endpoint->conf.name;
  info.user = facts_->user;
  for (const MemberIndex::Place& place : groups_) info.groups.push_back(place.list->name);
  if (state_ != State::kConnecting) info.connected_at_ms = facts_->connected_at_ms;
  info.handshake_at_ms = facts_->handshake_at_ms;
  info.last_active_at_ms = facts_->last_active_at_ms;
  info.remote_address = facts_->client_text;
  info.user_agent = facts_->user_agent;
  info.subprotocol = facts_->subprotocol;
  return info;
}

}  // namespace sockhook::client
