// ApiConnection: one client of the management or the admin listener.
//
//   kIdle        between requests
//   kRefused     an answer is ready; it goes out behind the request's body, or before it where
//                that is long, and then the connection closes
//   kCollecting  the body is coming; one that is longer than `body_size` is answered 413 unread
//   kAsked       the handler is at it
//
// One request at a time, so that what one connection sends keeps its order.
//
// Owner: the ApiListener, which destroys it in on_connection_closed. Thread: the control loop's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "proxy/http/server_connection.h"
#include "proxy/management/request_handler.h"

namespace sockhook::management {

class ApiConnection;

class ApiConnectionOwner {
 public:
  virtual void on_connection_closed(ApiConnection* connection) = 0;

 protected:
  ~ApiConnectionOwner() = default;
};

class ApiConnection final : private http::ServerConnectionListener, private CallListener {
 public:
  static constexpr std::size_t kMaxHeadBytes = 128 * 1024;    // `exclude` takes 1,000 ids
  static constexpr std::size_t kMaxIgnoredBytes = 64 * 1024;  // of a refused request's body

  ApiConnection(net::DeadlineWheel& deadlines, std::unique_ptr<net::Stream> stream,
                RequestHandler& handler, std::size_t body_size, ApiConnectionOwner* owner);

  void start() { http_.start(); }
  // Behind the answer to the present request, or at once.
  void close() { http_.close_after_response(); }
  void abort() { http_.abort(); }

 private:
  enum class State : std::uint8_t { kIdle, kRefused, kCollecting, kAsked };

  void refuse(Answer answer);
  void ask(bool is_oversized);
  void respond(const Answer& answer);
  void forget_call();

  // http::ServerConnectionListener
  void on_request(http::RequestHead& head) override;
  void on_request_body(std::string_view data) override;
  void on_request_end(http::Headers& trailers) override;
  void on_request_aborted() override { forget_call(); }
  void on_closed() override;
  // CallListener
  void on_call_answered(CallId call, Answer& answer) override;

  RequestHandler& handler_;
  const std::size_t body_size_;
  ApiConnectionOwner* const owner_;
  State state_ = State::kIdle;
  http::RequestHead head_;
  std::string body_;               // kCollecting
  Answer refusal_;                 // kRefused
  std::size_t ignored_bytes_ = 0;  // kRefused
  CallId call_ = 0;                // kAsked, once it is known
  http::ServerConnection http_;
};

}  // namespace sockhook::management
