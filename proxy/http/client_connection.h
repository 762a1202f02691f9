// ClientConnection: the client side of HTTP/1.1 on one stream to a backend.
//
// Owner: a pool; it destroys the connection only in (or after) `on_closed`, which comes exactly
// once, from the loop. Thread: the loop's. Its deadlines (connect, request) are its users'.
//
//   kConnecting  on_connected follows, or close() by the owner
//   kIdle        may be given a request; bytes or FIN from the backend close it: on_unusable
//   kExchange    a request is on its way; its answer or on_failure ends the exchange
//   kClosing     the stream is closing; on_closed follows
//
// An exchange belongs to its ExchangeListener from send or begin_request until on_response_end or
// on_failure (one of them, once), or until `abort`. In both events the connection is already idle
// or closing: the listener may at once send the next request, or return the connection to the pool.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/http/http_message.h"
#include "protocol/http/http_parser.h"
#include "proxy/net/socket_stream.h"
#include "proxy/net/stream.h"

namespace sockhook::http {

class ClientConnection;

class ClientConnectionOwner {
 public:
  // 0, or a negative libuv error: the connection is closing then.
  virtual void on_connected(ClientConnection& connection, int error) = 0;
  // An idle connection was closed by the backend, or the backend spoke unasked: it is closing.
  virtual void on_unusable(ClientConnection& connection) = 0;
  virtual void on_closed(ClientConnection& connection) = 0;

 protected:
  ~ClientConnectionOwner() = default;
};

enum class ExchangeFailure : std::uint8_t {
  kClosedBeforeAnswer,  // FIN or reset before the first byte: on a reused connection, retried
  kClosedInAnswer,
  kMalformed,  // no HTTP/1.x, ambiguous framing, or a 101
};

class ExchangeListener {
 public:
  // 100, 103 and other 1xx.
  virtual void on_informational(const ResponseHead& /*head*/) {}
  // May be moved from.
  virtual void on_response_head(ResponseHead& head) = 0;
  virtual void on_response_body(std::string_view data) = 0;
  // `reusable`: the connection is idle; otherwise it is closing. May be moved from.
  virtual void on_response_end(Headers& trailers, bool reusable) = 0;
  // The connection is closing.
  virtual void on_failure(ExchangeFailure failure) = 0;
  // All that was written of the request has been handed to the kernel, after it had to wait.
  virtual void on_request_writable() {}

 protected:
  ~ExchangeListener() = default;
};

class ClientConnection final : public net::ConnectListener,
                               private net::StreamListener,
                               private ResponseListener {
 public:
  // `is_connected`: false when the stream has yet to connect; this object is then its
  // ConnectListener, and a failure closes it.
  ClientConnection(std::unique_ptr<net::Stream> stream, bool is_connected,
                   const ParserLimits& limits, ClientConnectionOwner* owner);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // net::ConnectListener
  void on_connected(int error) override;

  // A whole request in one write; `head` is serialised, its Content-Length included. kIdle only.
  void send(ExchangeListener* listener, std::string_view head, std::string_view body);

  // A request whose body is streamed, framed as its serialised head says. kIdle only.
  // The answer to a HEAD request has no body.
  void begin_request(ExchangeListener* listener, std::string_view head, BodyFraming framing,
                     bool is_head_request);
  // Both do nothing when the exchange is over.
  void write_body(std::string_view data);
  void end_body(const Headers& trailers = {});

  // Backpressure. What has been read is still delivered after `pause_reading`.
  void pause_reading();
  void resume_reading();
  std::size_t queued_bytes() const { return stream_->queued_bytes(); }

  // Ends the exchange without an event (its user gave up) and closes, with RST.
  void abort();
  // Closes; a running exchange ends without an event.
  void close();

  bool is_idle() const { return state_ == State::kIdle; }
  bool is_closing() const { return state_ == State::kClosing; }
  // The present (or last) request is not the first one on this connection.
  bool was_reused() const { return requests_ > 1; }
  // A byte of the present (or last) request's answer has come.
  bool has_answer_begun() const { return has_answer_begun_; }
  net::Stream& stream() { return *stream_; }

 private:
  enum class State : std::uint8_t { kConnecting, kIdle, kExchange, kClosing };

  // net::StreamListener
  void on_read(std::string_view data) override;
  void on_end(int error) override;
  void on_writable() override;
  void on_closed() override;
  // ResponseListener
  void on_informational(const ResponseHead& head) override;
  void on_head(ResponseHead& head) override;
  void on_body(std::string_view data) override;
  void on_complete(Headers& trailers) override;

  void start_exchange(ExchangeListener* listener, bool is_head_request);
  void complete(bool nothing_follows);
  void fail(ExchangeFailure failure);
  void lose_backend();

  std::unique_ptr<net::Stream> stream_;
  ClientConnectionOwner* const owner_;
  ExchangeListener* listener_ = nullptr;
  ResponseParser parser_;
  State state_;
  BodyFraming request_framing_;
  bool request_ended_ = true;
  bool has_answer_begun_ = false;
  bool keep_alive_ = false;  // of the present answer
  std::uint64_t requests_ = 0;
  Headers trailers_;
};

}  // namespace sockhook::http
