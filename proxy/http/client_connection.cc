#include "proxy/http/client_connection.h"

#include <utility>

#include "protocol/base/check.h"
#include "protocol/http/http_writer.h"

namespace sockhook::http {

ClientConnection::ClientConnection(std::unique_ptr<net::Stream> stream, bool is_connected,
                                   const ParserLimits& limits, ClientConnectionOwner* owner)
    : stream_(std::move(stream)),
      owner_(owner),
      parser_(this, limits),
      state_(is_connected ? State::kIdle : State::kConnecting) {
  stream_->set_listener(this);
  if (is_connected) stream_->start_reading();
}

ClientConnection::~ClientConnection() = default;

void ClientConnection::on_connected(int error) {
  if (state_ != State::kConnecting) return;
  if (error == 0) {
    state_ = State::kIdle;
    stream_->start_reading();
  } else {
    close();
  }
  owner_->on_connected(*this, error);
}

// ---- the request ----

void ClientConnection::start_exchange(ExchangeListener* listener, bool is_head_request) {
  SOCKHOOK_CHECK(state_ == State::kIdle);
  state_ = State::kExchange;
  listener_ = listener;
  has_answer_begun_ = false;
  ++requests_;
  parser_.next_message(is_head_request);
}

void ClientConnection::send(ExchangeListener* listener, std::string_view head,
                            std::string_view body) {
  start_exchange(listener, false);
  request_ended_ = true;
  stream_->write(head, body);
}

void ClientConnection::begin_request(ExchangeListener* listener, std::string_view head,
                                     BodyFraming framing, bool is_head_request) {
  start_exchange(listener, is_head_request);
  request_framing_ = framing;
  request_ended_ = false;
  stream_->write(head);
}

void ClientConnection::write_body(std::string_view data) {
  if (state_ != State::kExchange || request_ended_ || data.empty()) return;
  if (request_framing_.kind != BodyFraming::Kind::kChunked) return stream_->write(data);
  std::string chunk;
  chunk.reserve(data.size() + 16);
  write_chunk(chunk, data);
  stream_->write(chunk);
}

void ClientConnection::end_body(const Headers& trailers) {
  if (state_ != State::kExchange || request_ended_) return;
  request_ended_ = true;
  if (request_framing_.kind != BodyFraming::Kind::kChunked) return;
  std::string last;
  write_last_chunk(last, trailers);
  stream_->write(last);
}

void ClientConnection::on_writable() {
  if (state_ == State::kExchange) listener_->on_request_writable();
}

// ---- the answer ----

void ClientConnection::on_read(std::string_view data) {
  if (state_ == State::kClosing) return;
  if (state_ != State::kExchange) return lose_backend();
  has_answer_begun_ = true;
  const ParseResult result = parser_.feed(data);
  if (state_ != State::kExchange) return;
  switch (result.state) {
    case ParseState::kNeedMore:
      return;
    case ParseState::kComplete:
      return complete(result.consumed == data.size());
    case ParseState::kUpgrade:
    case ParseState::kError:
      return fail(ExchangeFailure::kMalformed);
  }
}

void ClientConnection::on_informational(const ResponseHead& head) {
  if (state_ == State::kExchange) listener_->on_informational(head);
}

void ClientConnection::on_head(ResponseHead& head) {
  // Nobody asked for another protocol.
  if (state_ != State::kExchange || head.status == 101) return;
  keep_alive_ = head.keep_alive;
  listener_->on_response_head(head);
}

void ClientConnection::on_body(std::string_view data) {
  if (state_ == State::kExchange) listener_->on_response_body(data);
}

void ClientConnection::on_complete(Headers& trailers) { std::swap(trailers_, trailers); }

void ClientConnection::complete(bool nothing_follows) {
  ExchangeListener* const listener = std::exchange(listener_, nullptr);
  const bool reusable = keep_alive_ && request_ended_ && nothing_follows;
  if (reusable) {
    state_ = State::kIdle;
    stream_->start_reading();  // an idle connection must notice its end
  } else {
    close();
  }
  // The listener may start the next exchange from inside the event.
  Headers trailers = std::exchange(trailers_, {});
  listener->on_response_end(trailers, reusable);
}

void ClientConnection::on_end(int error) {
  if (state_ == State::kClosing) return;
  if (state_ != State::kExchange) return lose_backend();
  // Only an orderly end may complete a body that lasts until then.
  const bool was_whole = error == 0 && parser_.finish();
  if (state_ != State::kExchange) return;
  if (was_whole) return complete(false);
  fail(has_answer_begun_ ? ExchangeFailure::kClosedInAnswer : ExchangeFailure::kClosedBeforeAnswer);
}

void ClientConnection::pause_reading() {
  if (state_ == State::kExchange) stream_->stop_reading();
}

void ClientConnection::resume_reading() {
  if (state_ == State::kExchange) stream_->start_reading();
}

// ---- the end ----

void ClientConnection::fail(ExchangeFailure failure) {
  ExchangeListener* const listener = std::exchange(listener_, nullptr);
  close();
  listener->on_failure(failure);
}

void ClientConnection::lose_backend() {
  close();
  owner_->on_unusable(*this);
}

void ClientConnection::close() {
  listener_ = nullptr;
  if (std::exchange(state_, State::kClosing) != State::kClosing) stream_->close();
}

void ClientConnection::abort() {
  listener_ = nullptr;
  if (std::exchange(state_, State::kClosing) != State::kClosing) stream_->reset();
}

void ClientConnection::on_closed() { owner_->on_closed(*this); }

}  // namespace sockhook::http
