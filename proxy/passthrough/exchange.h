// Exchange: one plain request on its way to the backend and its answer on the way back.
//
//   kWaiting    for a connection; the client's body is held back    `timeout`
//   kAsked      the request streams to the backend                  `timeout`
//   kAnswering  the answer's head has gone to the client; bodies may stream both ways   kStallMs
//
// Every path leaves through end(). `timeout` is counted from the last byte of the request that was
// passed on, so that a long upload is no failure. What one side cannot take at once stops the
// reading of the other: an exchange holds at most what is on the way.
// Errors are answers as long as no head has gone out (502, 504); later the client's connection is
// reset, so that a cut answer is never taken for a whole one. When the client goes, so does the
// connection to the backend.
// A request is sent again only where the backend cannot have read it: none of its body was sent, a
// reused connection closed before the first byte of an answer, and the method is idempotent (RFC
// 9110 9.2.2: nothing else tells us that the backend has not acted on it).
//
// Owner: the Passthrough, which destroys it in end(). Thread: the worker's.

#pragma once

#include <cstdint>
#include <list>
#include <string>

#include "proxy/backend/backend_pool.h"
#include "proxy/http/client_connection.h"
#include "proxy/http/plain_requests.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/observe/metrics.h"
#include "proxy/passthrough/passthrough.h"

namespace sockhook::passthrough {

class Exchange final : public http::PlainExchange,
                       private backend::PoolRequest,
                       private http::ExchangeListener,
                       private net::DeadlineListener {
 public:
  // `head` has been prepared for the backend.
  Exchange(Passthrough& owner, http::ServerConnection& client, http::RequestHead head,
           http::PlainExchange*& place);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void begin();

  // http::PlainExchange
  void on_request_body(std::string_view data) override;
  void on_request_end(http::Headers& trailers) override;
  void on_request_aborted() override;
  void on_response_writable() override;

  std::list<Exchange>::iterator self;

 private:
  enum class State : std::uint8_t { kWaiting, kAsked, kAnswering };

  // backend::PoolRequest
  void on_connection(backend::Lease lease) override;
  void on_no_connection(backend::NoConnection why) override;
  // http::ExchangeListener
  void on_informational(const http::ResponseHead& head) override;
  void on_response_head(http::ResponseHead& head) override;
  void on_response_body(std::string_view data) override;
  void on_response_end(http::Headers& trailers, bool reusable) override;
  void on_failure(http::ExchangeFailure failure) override;
  void on_request_writable() override;
  // net::DeadlineListener
  void on_deadline(net::Deadline& deadline) override;

  void acquire(bool fresh_only);
  void enter(State state);
  void send_body(std::string_view data);
  void note_progress();
  uint64_t limit_ms() const;
  // The backend did not do its part: `status` if that can still be said. Destroys this.
  void fail(int status, const char* why, observe::PassthroughResult result);
  // Destroys this.
  void end(observe::PassthroughResult result);

  Passthrough& owner_;
  http::ServerConnection& client_;
  http::PlainExchange*& place_;
  http::RequestHead head_;
  backend::Lease lease_;
  net::Deadline deadline_{this};
  uint64_t progress_at_ms_ = 0;
  std::string held_;  // of the body, while there is no connection; one read at most
  http::Headers trailers_;
  State state_ = State::kWaiting;
  bool has_request_ended_ = false;
  bool is_body_sent_ = false;  // some of it
  bool has_retried_ = false;
};

}  // namespace sockhook::passthrough
