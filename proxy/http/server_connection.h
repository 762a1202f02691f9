// ServerConnection: the server side of HTTP/1.1 on one accepted stream. The public, the management
// and the admin listener all speak through it.
//
// Owner: one object per connection, which is also its listener; it destroys the connection only in
// (or after) `on_closed`, which comes exactly once, from the loop, never from inside a call.
// Thread: the loop's.
//
//   kIdle       no byte of a request has come          idle_timeout (head_timeout for the first)
//   kHead       a part of a head has come              head_timeout: 408
//   kExchange   from the complete head until request and answer have both ended; stall_timeout
//   kLingering  the last answer is on its way, FIN behind it; what still comes is dropped, so that
//               the client reads the answer instead of a RST  linger_timeout, linger_bytes
//   kClosing    the stream is closing; on_closed follows
//   kDetached   the stream has been handed over; on_closed follows
//
// One request at a time reaches the owner; pipelined bytes wait, and beyond `unread_bytes` in the
// socket. Malformed requests are answered here (400, 405, 408, 414, 417, 431, 501, 505) and close
// the connection. Every owner-facing call is allowed in any state and does nothing where the
// exchange is over: the client may have gone at any moment.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/http/http_message.h"
#include "protocol/http/http_parser.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/stream.h"

namespace sockhook::http {

struct ServerConnectionSettings {
  ParserLimits limits;
  std::uint64_t head_timeout_ms =
      10'000;                  // of the first head from the start, of others from byte 1
  std::uint64_t spent_ms = 0;  // of that, for the first head, before the start
  std::uint64_t idle_timeout_ms = 75'000;  // between requests
  std::uint64_t stall_timeout_ms =
      60'000;  // an exchange in which the client neither sends nor takes
  std::uint64_t linger_timeout_ms = 5'000;
  std::size_t linger_bytes = std::size_t{8} * 1024 * 1024;
  std::size_t unread_bytes =
      std::size_t{16} * 1024;  // pipelined bytes kept, and answers that the client does not
                               // take before its next request is read; one read may exceed it
  // Requests whose answers need nobody but their owner (refusals) in one turn of the loop; those
  // pipelined behind them wait for the next tick.
  std::size_t answers_at_once = 32;
  bool continue_at_once = false;  // 100 Continue as soon as on_request has returned
  // FIN behind a complete request: true answers it, false takes it for a client that has gone.
  bool answers_half_closed = false;
};

class ServerConnectionListener {
 public:
  // May be moved from. on_request_end follows, also for a request without a body, unless the
  // answer has ended before: then no event of the request follows.
  virtual void on_request(RequestHead& head) = 0;
  virtual void on_request_body(std::string_view data) = 0;
  // The request is complete. The earliest event in which `detach` is allowed. May be moved from.
  virtual void on_request_end(Headers& trailers) = 0;
  // The client has gone, stalled, or sent a malformed body, before the exchange had ended: no
  // event of this request follows, and nothing more can be answered.
  virtual void on_request_aborted() = 0;
  // All that was written has been handed to the kernel, after it had to wait.
  virtual void on_response_writable() {}
  // The owner destroys the connection now.
  virtual void on_closed() = 0;

 protected:
  ~ServerConnectionListener() = default;
};

class ServerConnection final : private net::StreamListener,
                               private net::DeadlineListener,
                               private RequestListener {
 public:
  ServerConnection(net::DeadlineWheel& deadlines, std::unique_ptr<net::Stream> stream,
                   const ServerConnectionSettings& settings, ServerConnectionListener* listener);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // Starts to read. `received`: bytes that the owner has read already (behind a PROXY header).
  // May call the listener before it returns.
  void start(std::string_view received = {});

  // ---- the answer ----

  // The whole answer. Content-Length, Date and Connection: close are added; an answer to HEAD has
  // no body, 204 and 304 have neither body nor length. Before the request has ended, the
  // connection closes behind the answer.
  void respond(int status, const Headers& headers, std::string_view body = {});

  // The head of a streamed answer; an empty `reason` stands for the registered phrase. `framing`
  // frames the body anew: kLength, kChunked or kUntilClose for any length that is not known (sent
  // chunked, or until close to HTTP/1.0), kNone for an answer that has none (a Content-Length in
  // `headers` is then passed on: HEAD, 304).
  void begin_response(int status, std::string_view reason, const Headers& headers,
                      BodyFraming framing);
  void write(std::string_view data);
  // Fewer bytes than announced abort the connection.
  void end_response(const Headers& trailers = {});

  // 100 or 103; dropped for HTTP/1.0 and behind the head of the final answer.
  void send_informational(int status, const Headers& headers = {});
  // The owner wants the body: sends the 100 that the client waits for, if it still does.
  void accept_body();

  // Backpressure. What has been read is still delivered after `pause_body` (one read's worth).
  void pause_body();
  void resume_body();
  // Written and not yet taken by the kernel; on_response_writable tells when it is 0 again.
  std::size_t queued_bytes() const;

  // ---- the connection ----

  // Closes behind the answer to the present request, or at once where none has begun.
  void close_after_response();
  // Closes at once, with RST: the client must not take a cut answer for a whole one.
  void abort();

  struct Detached {
    std::unique_ptr<net::Stream> stream;  // reading is stopped; set a listener, then start it
    std::string unread;                   // what the client sent behind the request
  };
  // Hands the stream over for another protocol. Allowed from on_request_end on, before any
  // answer, while `is_open`.
  Detached detach();

  // False when the connection is closing or detached, or only lingers.
  bool is_open() const { return state_ < State::kLingering; }
  // No head has come completely, and the last request is answered.
  bool is_between_requests() const {
    return state_ == State::kIdle || state_ == State::kHead || state_ == State::kLingering;
  }
  // True while an answer may still be begun.
  bool can_respond() const;
  const net::Stream* stream() const { return stream_.get(); }

 private:
  enum class State : std::uint8_t { kIdle, kHead, kExchange, kLingering, kClosing, kDetached };
  enum class Answer : std::uint8_t { kNotBegun, kStreaming, kEnded };

  // net::StreamListener
  void on_read(std::string_view data) override;
  void on_end(int error) override;
  void on_writable() override;
  void on_closed() override;
  // net::DeadlineListener
  void on_deadline(net::Deadline& deadline) override;
  // RequestListener
  void on_head(RequestHead& head) override;
  void on_body(std::string_view data) override;
  void on_complete(Headers& trailers) override;

  void consume(std::string_view data);
  void read_unread();
  void update_reading();
  bool is_clogged() const;
  void enter_idle();
  void finish_exchange();
  bool drops_request_body() const { return request_has_body_ && !request_ended_; }
  std::string begin_head(int status, std::string_view reason, const Headers& headers,
                         bool with_length);
  void write_whole(int status, const Headers& headers, std::string_view body);
  void end_answer();
  void refuse(int status, const char* reason);
  void lose_client();
  void linger();
  void close();
  void arm(std::uint64_t delay_ms);
  void arm_stall();
  void check_for_stall();

  net::DeadlineWheel& deadlines_;
  net::Deadline deadline_;
  std::unique_ptr<net::Stream> stream_;
  const ServerConnectionSettings settings_;
  ServerConnectionListener* const listener_;
  RequestParser parser_;

  State state_ = State::kIdle;
  Answer answer_ = Answer::kNotBegun;
  BodyFraming answer_framing_;
  std::uint64_t answer_left_ = 0;  // bytes, of a body of known length
  bool is_first_request_ = true;
  bool is_http10_ = false;
  bool is_head_request_ = false;
  bool keep_alive_ = true;  // until something ends it
  bool request_has_body_ = false;
  bool request_ended_ = false;
  bool awaits_continue_ = false;  // the client waits for a 100
  bool unmet_expectation_ = false;
  bool body_paused_ = false;
  bool peer_ended_ = false;      // FIN
  bool is_consuming_ = false;    // inside `consume`, which goes on by itself
  bool has_progressed_ = false;  // since the deadline was armed
  std::size_t queued_when_armed_ = 0;
  std::size_t lingered_bytes_ = 0;
  Headers trailers_;
  std::string unread_;     // pipelined
  std::string_view rest_;  // inside `consume`: what is left of its data
};

}  // namespace sockhook::http
