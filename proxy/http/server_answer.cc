// The half of ServerConnection that writes answers.

#include <utility>

#include "protocol/http/http_writer.h"
#include "proxy/http/http_clock.h"
#include "proxy/http/server_connection.h"

namespace sockhook::http {

bool ServerConnection::can_respond() const {
  return state_ == State::kExchange && answer_ == Answer::kNotBegun;
}

// Status line, the owner's headers and ours; the framing fields and the end are the caller's.
std::string ServerConnection::begin_head(int status, std::string_view reason,
                                         const Headers& headers, bool with_length) {
  std::string head;
  head.reserve(512);
  write_status_line(head, status, reason);
  for (const Header& field : headers) {
    if (equals_ignoring_case(field.name, "transfer-encoding")) continue;
    if (!with_length && equals_ignoring_case(field.name, "content-length")) continue;
    write_header(head, field.name, field.value);
  }
  if (!headers.contains("date")) write_header(head, "Date", current_http_date());
  const bool says_close = headers.has_token("connection", "close");
  if (says_close) keep_alive_ = false;
  if (!keep_alive_ && !says_close) write_header(head, "Connection", "close");
  return head;
}

void ServerConnection::write_whole(int status, const Headers& headers, std::string_view body) {
  std::string head = begin_head(status, {}, headers, false);
  const bool has_length = status != 204 && status != 304;
  if (has_length) write_header(head, "Content-Length", std::uint64_t{body.size()});
  end_head(head);
  stream_->write(head, has_length && !is_head_request_ ? body : std::string_view());
}

void ServerConnection::respond(int status, const Headers& headers, std::string_view body) {
  if (!can_respond()) return;
  if (drops_request_body()) keep_alive_ = false;
  write_whole(status, headers, body);
  end_answer();
}

void ServerConnection::begin_response(int status, std::string_view reason, const Headers& headers,
                                      BodyFraming framing) {
  using Kind = BodyFraming::Kind;
  if (!can_respond()) return;
  answer_ = Answer::kStreaming;
  const bool never_has_body = status == 204 || status == 304;
  const bool sends_body = !is_head_request_ && !never_has_body;
  if (sends_body && framing.kind == Kind::kNone) framing = BodyFraming::of_length(0);
  const bool ends_by_close = sends_body && is_http10_ &&
                             (framing.kind == Kind::kChunked || framing.kind == Kind::kUntilClose);
  if (ends_by_close) {
    keep_alive_ = false;
    framing = BodyFraming::until_close();
  }

  const bool passes_length = !sends_body && framing.kind == Kind::kNone && status != 204;
  std::string head = begin_head(status, reason, headers, passes_length);
  if (framing.kind == Kind::kLength && !never_has_body) {
    write_header(head, "Content-Length", framing.length);
  } else if (sends_body && !ends_by_close) {
    write_header(head, "Transfer-Encoding", "chunked");
    framing = BodyFraming::chunked();
  }
  end_head(head);
  answer_framing_ = sends_body ? framing : BodyFraming::none();
  answer_left_ = answer_framing_.length;
  stream_->write(head);
}

void ServerConnection::write(std::string_view data) {
  if (state_ != State::kExchange || answer_ != Answer::kStreaming || data.empty()) return;
  switch (answer_framing_.kind) {
    case BodyFraming::Kind::kNone:
      return;
    case BodyFraming::Kind::kLength:
      data = data.substr(0, answer_left_);
      answer_left_ -= data.size();
      stream_->write(data);
      return;
    case BodyFraming::Kind::kChunked: {
      std::string chunk;
      chunk.reserve(data.size() + 16);
      write_chunk(chunk, data);
      stream_->write(chunk);
      return;
    }
    case BodyFraming::Kind::kUntilClose:
      stream_->write(data);
      return;
  }
}

void ServerConnection::end_response(const Headers& trailers) {
  if (state_ != State::kExchange || answer_ != Answer::kStreaming) return;
  if (answer_left_ > 0) return abort();
  if (answer_framing_.kind == BodyFraming::Kind::kChunked) {
    std::string last;
    write_last_chunk(last, trailers);
    stream_->write(last);
  }
  end_answer();
}

void ServerConnection::end_answer() {
  answer_ = Answer::kEnded;
  if (drops_request_body()) return linger();
  // Inside `consume` the loop goes on by itself, also to the end of a request without a body.
  if (is_consuming_) return;
  finish_exchange();
  read_unread();
}

void ServerConnection::send_informational(int status, const Headers& headers) {
  if (!can_respond() || is_http10_) return;
  if (status == 100) awaits_continue_ = false;
  std::string head;
  write_response_head(head, status, {}, headers);
  stream_->write(head);
}

void ServerConnection::accept_body() {
  if (awaits_continue_) send_informational(100);
}

std::size_t ServerConnection::queued_bytes() const {
  return state_ == State::kDetached ? 0 : stream_->queued_bytes();
}

}  // namespace sockhook::http
