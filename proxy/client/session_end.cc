// The last part of a session's life: from whatever closes it to the $disconnect.

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
namespace close_code = websocket::close_code;

namespace {

// How long a close handshake may take (contract 6: "after the close handshake or 5 s").
constexpr uint64_t kCloseHandshakeMs = 5000;
// While draining less: its $disconnect must be sent before the drain gives up what is left.
constexpr uint64_t kDrainHandshakeMs = 2000;

}  // namespace

push::Delivery Session::close(uint16_t code, std::string_view reason) {
  if (state_ == State::kConnecting) return close_connecting();
  if (!is_open()) return push::Delivery::kGone;
  close_with(code, reason, ClosedBy::kBackend);
  return push::Delivery::kDone;
}

void Session::close_with(uint16_t code, std::string_view reason, ClosedBy by) {
  if (!is_open()) return;
  start_closing({code, std::string(websocket::truncate_close_reason(reason)), by});
  stream_->write_shared(websocket::encode_close_frame(code, reason));
}

// From here on the connection is gone for pushes, groups, users and lists.
void Session::start_closing(CloseCause cause) {
  // Messages that wait came before the close: with reading paused they are still delivered.
  if (!stash_.empty()) pause_reading();
  state_ = State::kClosing;
  cause_ = std::make_unique<CloseCause>(std::move(cause));
  context_.hub.groups().leave_all(groups_);
  context_.hub.users().leave_all(users_);
  restart_close_timeout();
  arm();
}

void Session::restart_close_timeout() {
  must_end_at_ms_ = now_ms() + (is_draining_ ? kDrainHandshakeMs : kCloseHandshakeMs);
}

// It sent no close frame, as far as we know.
bool Session::has_vanished() const {
  return cause_->by == ClosedBy::kClient && cause_->code == close_code::kAbnormal;
}

void Session::close_stream_when_written() {
  if (!stream_) return;
  if (stream_->is_writing()) {
    closes_when_written_ = true;
  } else {
    stream_->close();
  }
}

void Session::on_writable() {
  if (closes_when_written_) stream_->close();
}

// FIN or RST: the client vanished, unless a close frame went before.
void Session::on_end(int) {
  is_reading_ = false;
  if (is_open()) start_closing({close_code::kAbnormal, {}, ClosedBy::kClient});
  stream_->close();
}

// The client has gone. What it sent before lies in the socket while that is not read: all of it is
// still delivered, and on_end stands behind it.
bool Session::on_write_failed() {
  if (!is_open()) return false;
  start_closing({close_code::kAbnormal, {}, ClosedBy::kClient});
  return true;
}

void Session::on_closed() {
  stream_.reset();
  is_reading_ = false;
  deadline_.cancel();
  state_ = State::kFinishing;
  observe::Gauge& connections = context_.metrics_of(*facts_->endpoint).connections;
  advance();  // may destroy the session
  // Last: whoever sees it finds the place free, where nothing else was left to do.
  connections.add(-1);
}

void Session::drain() {
  is_draining_ = true;
  if (!is_open()) return;
  // What has been read is still delivered; of a busy client there would always be more.
  pause_reading();
  advance();
}

void Session::kill() {
  in_flight_ = 0;
  stash_.clear();
  if (state_ == State::kConnecting) {
    if (!held_->is_abandoned) refuse(503, {}, {}, observe::HandshakeResult::kDraining);
    owes_disconnect_ = true;
    held_.reset();
    state_ = State::kFinishing;
  }
  if (is_open()) {
    start_closing({close_code::kServiceRestart, "service restart", ClosedBy::kProxy});
  }
  if (stream_) {
    stream_->reset();
  } else {
    finish();
  }
}

void Session::cut_off() {
  if (state_ == State::kConnecting) return drain();
  close_with(close_code::kServiceRestart, "node lost", ClosedBy::kProxy);
}

void Session::lose() {
  is_lost_ = true;
  owes_disconnect_ = false;
  in_flight_ = 0;
  stash_.clear();
  if (state_ == State::kConnecting) {
    if (!held_->is_abandoned) refuse(503, {}, {}, observe::HandshakeResult::kNodeLost);
    held_.reset();
    state_ = State::kFinishing;
  }
  close_with(close_code::kServiceRestart, "node lost", ClosedBy::kProxy);
  if (state_ == State::kClosing && has_vanished()) stream_->reset();
  advance();
}

bool Session::has_record() const {
  return facts_->endpoint->disconnect != nullptr && !is_lost_ &&
         (state_ == State::kConnecting || owes_disconnect_);
}

// The last thing that a session does: it is destroyed in here.
void Session::finish() {
  if (facts_->connected_at_ms != 0) {
    context_.metrics_of(*facts_->endpoint).count_close(cause_->code, closer_label(cause_->by));
    log_closed(*facts_, cause_->code, cause_->by, messages_);
  }
  if (owes_disconnect_) {
    hand_over_disconnect();
  } else if (context_.journal != nullptr && !is_lost_) {
    context_.journal->settled(facts_->id);
  }
  context_.admission.leave(facts_->endpoint->conf, facts_->client,
                           has_users_place_ ? std::string_view(facts_->user) : "");
  context_.hub.erase(*this);
}

void Session::hand_over_disconnect() {
  const routing::Route* route = facts_->endpoint->disconnect;
  if (route == nullptr) return;
  routing::WebhookJob job;
  job.facts = facts_;
  job.route = route;
  job.kind = webhook::EventKind::kDisconnect;
  job.time_ms = net::Loop::wall_ms();
  job.close_code = cause_->code;
  job.close_reason = std::move(cause_->reason);
  job.closed_by = cause_->by;
  context_.jobs.start(job);
}

}  // namespace sockhook::client
