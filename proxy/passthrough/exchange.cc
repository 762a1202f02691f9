#include "proxy/passthrough/exchange.h"

#include <utility>

#include "protocol/http/header_rules.h"
#include "protocol/http/target.h"
#include "proxy/observe/log.h"
#include "proxy/passthrough/translation.h"

namespace sockhook::passthrough {

using observe::PassthroughResult;

Exchange::Exchange(Passthrough& owner, http::ServerConnection& client, http::RequestHead head,
                   http::PlainExchange*& place)
    : owner_(owner), client_(client), place_(place), head_(std::move(head)) {
  place_ = this;
  ++owner_.waiting_;
}

Exchange::~Exchange() {
  if (state_ == State::kWaiting) --owner_.waiting_;
  // The next request of the same client may have taken the place already.
  if (place_ == this) place_ = nullptr;
}

void Exchange::begin() {
  note_progress();
  owner_.loop_.deadlines().arm(deadline_, limit_ms());
  acquire(false);
}

void Exchange::enter(State state) {
  if (state_ == State::kWaiting) --owner_.waiting_;
  if (state == State::kWaiting) ++owner_.waiting_;
  state_ = state;
}

// ---- to the backend ----

void Exchange::acquire(bool fresh_only) {
  client_.pause_body();
  if (backend::Lease lease = owner_.pool_.acquire(*this, {.fresh_only = fresh_only})) {
    on_connection(std::move(lease));
  }
}

void Exchange::on_connection(backend::Lease lease) {
  lease_ = std::move(lease);
  enter(State::kAsked);
  http::ClientConnection& backend = lease_.connection();
  backend.begin_request(this, request_head(head_, lease_.url()), head_.framing,
                        head_.method == "HEAD");
  if (!held_.empty()) send_body(std::exchange(held_, {}));
  if (has_request_ended_) {
    backend.end_body(trailers_);
  } else if (!backend.stream().is_writing()) {
    client_.resume_body();
  }
}

void Exchange::on_no_connection(backend::NoConnection why) {
  if (why == backend::NoConnection::kQueueTimeout) {
    fail(503, "no connection to the backend came free in time", PassthroughResult::kQueueTimedOut);
    return;
  }
  fail(502,
       why == backend::NoConnection::kNoAddress ? "no address of the backend is known"
                                                : "the backend cannot be reached",
       PassthroughResult::kUnreachable);
}

void Exchange::on_request_body(std::string_view data) {
  if (state_ == State::kWaiting) {
    held_.append(data);
  } else {
    send_body(data);
  }
}

void Exchange::send_body(std::string_view data) {
  http::ClientConnection& backend = lease_.connection();
  is_body_sent_ = true;
  backend.write_body(data);
  note_progress();
  if (backend.stream().is_writing()) client_.pause_body();
}

void Exchange::on_request_writable() {
  note_progress();
  client_.resume_body();
}

void Exchange::on_request_end(http::Headers& trailers) {
  has_request_ended_ = true;
  trailers_ = std::move(trailers);
  http::remove_forbidden_trailers(trailers_);
  if (state_ != State::kWaiting) lease_.connection().end_body(trailers_);
}

// ---- to the client ----

void Exchange::on_informational(const http::ResponseHead& head) {
  http::Headers headers = head.headers;
  prepare_informational(headers);
  client_.send_informational(head.status, headers);
}

void Exchange::on_response_head(http::ResponseHead& head) {
  enter(State::kAnswering);
  note_progress();
  owner_.loop_.deadlines().arm(deadline_, limit_ms());
  head_.headers = {};  // a long answer needs them no more
  prepare_answer(head.headers);
  client_.begin_response(head.status, head.reason, head.headers, head.framing);
}

void Exchange::on_response_body(std::string_view data) {
  note_progress();
  client_.write(data);
  if (client_.stream()->is_writing()) lease_.connection().pause_reading();
}

void Exchange::on_response_writable() {
  note_progress();
  lease_.connection().resume_reading();
}

void Exchange::on_response_end(http::Headers& trailers, bool) {
  http::remove_forbidden_trailers(trailers);
  lease_.give_back();
  client_.end_response(trailers);
  end(PassthroughResult::kAnswered);
}

// ---- the other ends ----

void Exchange::on_request_aborted() { end(PassthroughResult::kClientGone); }

void Exchange::on_failure(http::ExchangeFailure failure) {
  using Failure = http::ExchangeFailure;
  const bool is_unread = lease_.is_reused() && failure == Failure::kClosedBeforeAnswer;
  lease_.discard();
  if (is_unread && !is_body_sent_ && !has_retried_ && is_idempotent(head_.method)) {
    has_retried_ = true;
    enter(State::kWaiting);
    acquire(true);
    return;
  }
  fail(502,
       failure == Failure::kMalformed ? "the backend's answer is malformed"
                                      : "the backend closed the connection",
       PassthroughResult::kBroken);
}

void Exchange::on_deadline(net::Deadline&) {
  const uint64_t still_ms = owner_.loop_.now_ms() - progress_at_ms_;
  // A client that does not take its answer is its connection's to give up.
  const bool waits_for_client = state_ == State::kAnswering && client_.stream()->is_writing();
  if (still_ms < limit_ms() && !waits_for_client) {
    owner_.loop_.deadlines().arm(deadline_, limit_ms() - still_ms);
  } else if (waits_for_client) {
    owner_.loop_.deadlines().arm(deadline_, limit_ms());
  } else {
    fail(504, "the backend did not answer in time", PassthroughResult::kTimedOut);
  }
}

void Exchange::note_progress() { progress_at_ms_ = owner_.loop_.now_ms(); }

uint64_t Exchange::limit_ms() const {
  if (state_ == State::kAnswering) return owner_.stall_ms_;
  return static_cast<uint64_t>(owner_.pool_.backend().timeout.count());
}

void Exchange::fail(int status, const char* why, PassthroughResult result) {
  cancel();
  lease_.discard();
  observe::LogLine(observe::Level::kWarn, "plain request failed")
      .field("backend", owner_.pool_.backend().name)
      .field("method", head_.method)
      .field("path", http::split_target(head_.target).path)
      .field("why", why);
  if (state_ == State::kAnswering) {
    client_.abort();
  } else {
    answer(client_, status, why);
  }
  end(result);
}

void Exchange::end(PassthroughResult result) { owner_.on_ended(*this, result); }

}  // namespace sockhook::passthrough
