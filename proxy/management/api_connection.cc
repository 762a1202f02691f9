#include "proxy/management/api_connection.h"

#include <utility>

namespace sockhook::management {
namespace {

http::ServerConnectionSettings settings() {
  http::ServerConnectionSettings settings;
  settings.limits.head_bytes = ApiConnection::kMaxHeadBytes;
  settings.answers_half_closed = true;
  return settings;
}

}  // namespace

ApiConnection::ApiConnection(net::DeadlineWheel& deadlines, std::unique_ptr<net::Stream> stream,
                             RequestHandler& handler, std::size_t body_size,
                             ApiConnectionOwner* owner)
    : handler_(handler),
      body_size_(body_size),
      owner_(owner),
      http_(deadlines, std::move(stream), settings(), this) {}

void ApiConnection::on_request(http::RequestHead& head) {
  std::swap(head_, head);
  if (auto answer = handler_.refuse(head_)) return refuse(std::move(*answer));
  state_ = State::kCollecting;
  if (head_.framing.kind == http::BodyFraming::Kind::kLength && head_.framing.length > body_size_) {
    ask(true);
  } else {
    http_.accept_body();
  }
}

void ApiConnection::refuse(Answer answer) {
  state_ = State::kRefused;
  refusal_ = std::move(answer);
  ignored_bytes_ = 0;
  const bool is_long = head_.framing.kind == http::BodyFraming::Kind::kLength &&
                       head_.framing.length > kMaxIgnoredBytes;
  if (is_long || head_.expects_continue) respond(refusal_);
}

void ApiConnection::on_request_body(std::string_view data) {
  if (state_ == State::kRefused) {
    ignored_bytes_ += data.size();
    if (ignored_bytes_ > kMaxIgnoredBytes) respond(refusal_);
  } else if (state_ == State::kCollecting) {
    if (data.size() > body_size_ - body_.size()) {
      http_.pause_body();
      ask(true);
    } else {
      body_.append(data);
    }
  }
}

void ApiConnection::on_request_end(http::Headers&) {
  if (state_ == State::kRefused) {
    respond(refusal_);
  } else if (state_ == State::kCollecting) {
    ask(false);
  }
}

void ApiConnection::ask(bool is_oversized) {
  state_ = State::kAsked;
  std::string body = std::exchange(body_, {});
  if (is_oversized) body.clear();
  Started started = handler_.handle(head_, std::move(body), is_oversized, this);
  if (started.answer) {
    respond(*started.answer);
  } else {
    call_ = started.call;
  }
}

void ApiConnection::on_call_answered(CallId, Answer& answer) {
  call_ = 0;
  respond(answer);
}

void ApiConnection::respond(const Answer& answer) {
  state_ = State::kIdle;
  handler_.count_answer(answer.status);
  http::Headers headers = answer.headers;
  if (!answer.body.empty()) headers.add("Content-Type", answer.content_type);
  http_.respond(answer.status, headers, answer.body);
}

void ApiConnection::forget_call() {
  if (call_ != 0) handler_.forget(std::exchange(call_, 0));
  body_.clear();
  state_ = State::kIdle;
}

void ApiConnection::on_closed() {
  forget_call();
  owner_->on_connection_closed(this);  // destroys this
}

}  // namespace sockhook::management
