// A session's one deadline: pings, dead peers, idleness, age, the token's expiry, the message rate
// and the close handshake. It is armed for whichever comes first and looks at all of them when it
// fires.

#include <algorithm>

#include "protocol/webhook/error_frame.h"
#include "protocol/websocket/close_code.h"
#include "proxy/client/hub.h"
#include "proxy/client/session.h"

namespace sockhook::client {

namespace close_code = websocket::close_code;

namespace {

// See has_said_enough().
constexpr uint32_t kIdleWords = 32;
constexpr std::size_t kIdleWordBytes = std::size_t{16} * 1024;
constexpr uint64_t kIdleWordsMs = net::DeadlineWheel::kTickMs;

uint64_t ms(conf::Duration duration) { return static_cast<uint64_t>(duration.count()); }

}  // namespace

void Session::start_timers() {
  if (limits().max_duration) {
    // Up to 10 % earlier, at random: connections that began together do not end together.
    const uint64_t longest = ms(*limits().max_duration);
    must_end_at_ms_ = now_ms() + longest - context_.random.below(longest / 10 + 1);
  }
  if (limits().messages_per_second) {
    tokens_ = static_cast<double>(limits().messages_per_second->burst);
    tokens_at_ms_ = now_ms();
  }
  arm();
}

void Session::arm() {
  const uint64_t now = now_ms();
  uint64_t due = UINT64_MAX;
  if (must_end_at_ms_ != 0 && !waits_for_rest()) due = must_end_at_ms_;
  if (state_ == State::kOpen) {
    if (expires_at_ms_ != 0) due = std::min(due, expires_at_ms_);
    if (limits().ping_interval) due = std::min(due, last_ping_ms_ + ms(*limits().ping_interval));
    if (is_reading_ && limits().ping_timeout) {
      due = std::min(due, last_received_ms_ + ms(*limits().ping_timeout));
    }
    if (is_reading_ && limits().idle_timeout) {
      due = std::min(due, last_message_ms_ + ms(*limits().idle_timeout));
    }
  }
  if (is_waiting_for_token()) due = std::min(due, token_due_ms());
  // What held the rest of its input back may hold for open connections only.
  if (state_ == State::kClosing && !stash_.empty() && may_process()) due = now;
  if (has_said_enough()) due = std::min(due, now + idle_words_now() / kIdleWords * kIdleWordsMs);
  if (due == UINT64_MAX) {
    deadline_.cancel();
  } else {
    context_.loop.deadlines().arm(deadline_, due > now ? due - now : 0);
  }
}

void Session::on_deadline(net::Deadline&) {
  if (state_ == State::kClosing) {
    // The close handshake has had its time.
    if (now_ms() >= must_end_at_ms_ && !waits_for_rest()) stream_->reset();
  } else if (state_ == State::kOpen) {
    check_liveness();
  }
  if (state_ != State::kFinishing && stream_ && !stream_->is_closing()) arm();
  // Last: may finish the session.
  if (!stash_.empty() && may_process()) advance();
}

// A client that has vanished has no close handshake: what it sent before is delivered, however long
// the webhooks before it take.
bool Session::waits_for_rest() const {
  return state_ == State::kClosing && !is_reading_ && has_vanished();
}

void Session::check_liveness() {
  const uint64_t now = now_ms();
  if (is_at_limit()) last_message_ms_ = now;  // no idleness: see on_message_result()
  if (must_end_at_ms_ != 0 && now >= must_end_at_ms_) {
    close_with(close_code::kGoingAway, "maximum duration", webhook::ClosedBy::kProxy);
    return;
  }
  if (expires_at_ms_ != 0 && now >= expires_at_ms_) {
    close_with(close_code::kPolicyViolation, "token expired", webhook::ClosedBy::kProxy);
    return;
  }
  if (is_reading_ && limits().ping_timeout &&
      now >= last_received_ms_ + ms(*limits().ping_timeout)) {
    start_closing({close_code::kAbnormal, "", webhook::ClosedBy::kProxy});
    stream_->reset();
    return;
  }
  if (is_reading_ && limits().idle_timeout &&
      now >= last_message_ms_ + ms(*limits().idle_timeout)) {
    close_with(close_code::kGoingAway, "idle timeout", webhook::ClosedBy::kProxy);
    return;
  }
  if (limits().ping_interval && now >= last_ping_ms_ + ms(*limits().ping_interval)) {
    last_ping_ms_ = now;
    // A client whose queue is full is not slower for the want of a ping.
    const websocket::SharedFrame ping = websocket::encode_frame(websocket::Opcode::kPing, {});
    if (fits(*ping)) stream_->write_shared(ping);
  }
}

// ---------------------------------------------------------------------------------------------
// messages_per_second: a token bucket, filled as time passes.

double Session::tokens_now() const {
  const conf::Rate& rate = *limits().messages_per_second;
  const double seconds = static_cast<double>(now_ms() - tokens_at_ms_) / 1000.0;
  return std::min(tokens_ + seconds * rate.rate, static_cast<double>(rate.burst));
}

// With `over: delay` nothing is processed while the bucket is empty.
bool Session::is_waiting_for_token() const {
  const auto& rate = limits().messages_per_second;
  return rate && rate->over == conf::Rate::Over::kDelay && state_ == State::kOpen &&
         tokens_now() < 1.0;
}

uint64_t Session::token_due_ms() const {
  const double missing = 1.0 - tokens_now();
  const double seconds = missing / limits().messages_per_second->rate;
  return now_ms() + static_cast<uint64_t>(seconds * 1000.0) + 1;
}

// False: the message is one too many and has been dealt with.
bool Session::take_message_token() {
  const auto& rate = limits().messages_per_second;
  if (!rate) return true;
  tokens_ = tokens_now();
  tokens_at_ms_ = now_ms();
  if (tokens_ >= 1.0) {
    tokens_ -= 1.0;
    if (is_waiting_for_token()) arm();
    return true;
  }
  switch (rate->over) {
    case conf::Rate::Over::kReject:
      send_error_frame(webhook::kTooManyRequests, fresh_request_id());
      return false;
    case conf::Rate::Over::kClose:
      close_with(close_code::kPolicyViolation, "message rate", webhook::ClosedBy::kProxy);
      return false;
    case conf::Rate::Over::kDelay:
      break;  // waits before a message is taken: this one came while it did not (closing)
  }
  return true;
}

// ---------------------------------------------------------------------------------------------
// Idle words: what a client says that occupies no webhook (pings, pongs, fragments by the dozen,
// messages that are answered by an error frame). Only the loop's own work holds them back, which is
// everybody's: after some of them the rest waits for a later tick, and so does the socket. A long
// one, perhaps inflated from little, counts as several. Once the connection is closing, only
// messages cost something.

uint32_t Session::idle_words_now() const {
  const uint64_t ticks = (static_cast<uint32_t>(now_ms()) - idle_words_at_ms_) / kIdleWordsMs;
  return static_cast<uint32_t>(idle_words_ - std::min<uint64_t>(idle_words_, ticks * kIdleWords));
}

void Session::count_idle_words(std::size_t bytes) {
  const auto now = static_cast<uint32_t>(now_ms());
  if (now - idle_words_at_ms_ >= kIdleWordsMs) {
    idle_words_ = idle_words_now();
    idle_words_at_ms_ = now;
  }
  idle_words_ += 1 + static_cast<uint32_t>(bytes / kIdleWordBytes);
  if (has_said_enough()) arm();
}

bool Session::has_said_enough() const {
  return (state_ == State::kOpen || state_ == State::kClosing) && idle_words_ >= kIdleWords &&
         idle_words_now() >= kIdleWords;
}

}  // namespace sockhook::client
