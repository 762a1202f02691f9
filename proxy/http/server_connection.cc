#include "proxy/http/server_connection.h"

#include <algorithm>
#include <utility>

#include "protocol/base/check.h"
#include "proxy/http/refusal.h"

namespace sockhook::http {

ServerConnection::ServerConnection(net::DeadlineWheel& deadlines,
                                   std::unique_ptr<net::Stream> stream,
                                   const ServerConnectionSettings& settings,
                                   ServerConnectionListener* listener)
    : deadlines_(deadlines),
      deadline_(this),
      stream_(std::move(stream)),
      settings_(settings),
      listener_(listener),
      parser_(this, settings.limits) {
  stream_->set_listener(this);
}

ServerConnection::~ServerConnection() = default;

void ServerConnection::start(std::string_view received) {
  arm(settings_.head_timeout_ms - std::min(settings_.spent_ms, settings_.head_timeout_ms));
  if (received.empty()) {
    update_reading();
  } else {
    consume(received);
  }
}

// ---- the request ----

void ServerConnection::on_read(std::string_view data) {
  has_progressed_ = true;
  switch (state_) {
    case State::kIdle:
    case State::kHead:
      consume(data);
      return;
    case State::kExchange:
      if (!request_ended_) return consume(data);
      unread_.append(data);
      update_reading();
      return;
    case State::kLingering:
      lingered_bytes_ += data.size();
      if (lingered_bytes_ > settings_.linger_bytes) close();
      return;
    case State::kClosing:
    case State::kDetached:
      return;
  }
}

// Parses request after request until one has to wait for its answer. A loop, not a recursion:
// owners may answer from inside an event, and a client may pipeline thousands of requests.
void ServerConnection::consume(std::string_view data) {
  is_consuming_ = true;
  rest_ = data;
  std::size_t answers = 0;
  while (!rest_.empty() && is_open() && !request_ended_ && !is_clogged() &&
         answers < settings_.answers_at_once) {
    const ParseResult result = parser_.feed(rest_);
    if (!is_open()) break;
    rest_.remove_prefix(result.consumed);
    if (unmet_expectation_) {
      refuse(417, "unknown expectation");
    } else if (result.state == ParseState::kError) {
      refuse(result.status, result.reason);
    } else if (result.state == ParseState::kComplete) {
      request_ended_ = true;
      if (answer_ != Answer::kEnded) listener_->on_request_end(trailers_);
      if (is_open() && answer_ == Answer::kEnded) {
        finish_exchange();
        ++answers;
      }
    } else if (state_ == State::kIdle && parser_.has_begun()) {
      state_ = State::kHead;
      // The first head is timed from the start, so that silence costs no more than slowness.
      if (!is_first_request_) arm(settings_.head_timeout_ms);
    }
  }
  is_consuming_ = false;
  if (is_open()) unread_.append(rest_);
  rest_ = {};
  if (state_ == State::kIdle && is_clogged()) {
    arm_stall();
  } else if (state_ == State::kIdle && !unread_.empty()) {
    arm(net::DeadlineWheel::kTickMs);
  }
  update_reading();
}

void ServerConnection::read_unread() {
  if (state_ != State::kIdle || unread_.empty()) return update_reading();
  const std::string bytes = std::exchange(unread_, {});
  consume(bytes);
  if (!peer_ended_ || !is_open() || request_ended_ || !unread_.empty()) return;
  // What has come is all that ever will, and it is no whole request.
  if (state_ == State::kExchange) {
    lose_client();
  } else {
    linger();
  }
}

void ServerConnection::update_reading() {
  bool reads = false;
  switch (state_) {
    case State::kIdle:
      reads = unread_.empty() && !is_clogged();
      break;
    case State::kHead:
    case State::kLingering:
      reads = true;
      break;
    case State::kExchange:
      reads = request_ended_ ? unread_.size() < settings_.unread_bytes : !body_paused_;
      break;
    case State::kClosing:
    case State::kDetached:
      return;
  }
  if (reads) {
    stream_->start_reading();
  } else {
    stream_->stop_reading();
  }
}

void ServerConnection::on_head(RequestHead& head) {
  const std::string* const expectation = head.headers.find("expect");
  unmet_expectation_ = expectation != nullptr && head.minor_version == 1 &&
                       !equals_ignoring_case(*expectation, "100-continue");
  is_head_request_ = head.method == "HEAD";
  if (unmet_expectation_) return;

  state_ = State::kExchange;
  is_first_request_ = false;
  is_http10_ = head.minor_version == 0;
  keep_alive_ = keep_alive_ && head.keep_alive;
  request_has_body_ = head.framing.has_body();
  awaits_continue_ = head.expects_continue && request_has_body_;
  answer_ = Answer::kNotBegun;
  body_paused_ = false;
  arm_stall();
  listener_->on_request(head);
  if (settings_.continue_at_once) accept_body();
}

void ServerConnection::on_body(std::string_view data) {
  if (state_ != State::kExchange) return;
  awaits_continue_ = false;
  listener_->on_request_body(data);
}

void ServerConnection::on_complete(Headers& trailers) { std::swap(trailers_, trailers); }

void ServerConnection::pause_body() {
  body_paused_ = true;
  update_reading();
}

void ServerConnection::resume_body() {
  body_paused_ = false;
  update_reading();
}

// ---- the end ----

void ServerConnection::finish_exchange() {
  if (!keep_alive_) return linger();
  parser_.next_message();
  trailers_.clear();
  request_ended_ = false;
  enter_idle();
}

void ServerConnection::enter_idle() {
  state_ = State::kIdle;
  is_head_request_ = false;
  if (peer_ended_ && rest_.empty() && unread_.empty()) return linger();
  arm(settings_.idle_timeout_ms);
}

void ServerConnection::on_writable() {
  has_progressed_ = true;
  if (state_ == State::kExchange) {
    if (answer_ == Answer::kStreaming) listener_->on_response_writable();
  } else if (state_ == State::kLingering) {
    if (peer_ended_) return close();
    arm(settings_.linger_timeout_ms);
  } else if (state_ == State::kIdle) {
    arm(settings_.idle_timeout_ms);
    read_unread();
  }
}

// The client does not take the answers to what it asks.
bool ServerConnection::is_clogged() const {
  return stream_->queued_bytes() > settings_.unread_bytes;
}

// Answers a request that its owner has not seen, or one whose body turned out to be malformed.
void ServerConnection::refuse(int status, const char* reason) {
  const bool in_exchange = state_ == State::kExchange;
  if (answer_ != Answer::kNotBegun && in_exchange) return lose_client();
  keep_alive_ = false;
  const Refusal refusal = make_refusal(status, reason);
  write_whole(status, refusal.headers, refusal.body);
  linger();
  if (in_exchange) listener_->on_request_aborted();
}

void ServerConnection::lose_client() {
  abort();
  listener_->on_request_aborted();
}

void ServerConnection::on_end(int error) {
  peer_ended_ = true;
  switch (state_) {
    case State::kIdle:
    case State::kHead:
      // The answers to earlier requests may still be on their way.
      return error == 0 && stream_->is_writing() ? linger() : close();
    case State::kExchange:
      if (error == 0 && request_ended_ && settings_.answers_half_closed) return;
      return lose_client();
    case State::kLingering:
      if (error != 0 || !stream_->is_writing()) close();
      return;
    case State::kClosing:
    case State::kDetached:
      return;
  }
}

void ServerConnection::linger() {
  state_ = State::kLingering;
  stream_->shutdown();
  if (stream_->is_writing()) {
    arm_stall();
  } else if (peer_ended_) {
    return close();
  } else {
    arm(settings_.linger_timeout_ms);
  }
  update_reading();
}

void ServerConnection::close_after_response() {
  keep_alive_ = false;
  if (state_ == State::kIdle) linger();
}

void ServerConnection::close() {
  state_ = State::kClosing;
  deadline_.cancel();
  stream_->close();
}

void ServerConnection::abort() {
  if (state_ == State::kClosing || state_ == State::kDetached) return;
  state_ = State::kClosing;
  deadline_.cancel();
  stream_->reset();
}

ServerConnection::Detached ServerConnection::detach() {
  SOCKHOOK_CHECK(can_respond() && request_ended_);
  stream_->stop_reading();
  state_ = State::kDetached;
  Detached detached{std::move(stream_), std::string(rest_) + unread_};
  rest_ = {};
  unread_.clear();
  // on_closed never comes from inside a call.
  arm(0);
  return detached;
}

void ServerConnection::on_closed() { listener_->on_closed(); }

// ---- deadlines ----

void ServerConnection::arm(std::uint64_t delay_ms) { deadlines_.arm(deadline_, delay_ms); }

void ServerConnection::arm_stall() {
  has_progressed_ = false;
  queued_when_armed_ = stream_->queued_bytes();
  arm(settings_.stall_timeout_ms);
}

void ServerConnection::on_deadline(net::Deadline&) {
  switch (state_) {
    case State::kHead:
      return refuse(408, "the request head took too long");
    case State::kExchange:
      return check_for_stall();
    case State::kIdle:
      if (!unread_.empty() && !is_clogged()) return read_unread();
      [[fallthrough]];
    case State::kLingering:
      return stream_->is_writing() ? check_for_stall() : close();
    case State::kClosing:
      return;
    case State::kDetached:
      return listener_->on_closed();
  }
}

void ServerConnection::check_for_stall() {
  const bool writing = stream_->is_writing();
  const bool awaits_body =
      state_ == State::kExchange && !request_ended_ && !body_paused_ && !awaits_continue_;
  const bool moved = has_progressed_ || stream_->queued_bytes() != queued_when_armed_;
  if (moved || !(writing || awaits_body)) return arm_stall();
  if (state_ != State::kExchange) return abort();
  if (writing) return lose_client();
  refuse(408, "the request body took too long");
}

}  // namespace sockhook::http
