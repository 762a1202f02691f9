// KeyFetch: fetches what stands behind a jwks_url, again and again, one GET at a time.
//
//   kIdle      start() begins a fetch
//   kWaiting   for a connection, a fresh one each time
//   kAsked     the answer is being read
//
// What ends it, and how: a 200 whose body has come to its end: good. Any other status, redirects
// among them (the keys would be those of whoever can set one up), an encoded body, a body over
// KeySet::kMaxJwksBytes, a connection that cannot be made or breaks, `timeout_ms` for all of it: an
// error that says so. on_fetched comes once for each start(), from the loop.
//
// Owner: a JwksUrl. Thread: the control's.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "conf/config.h"
#include "protocol/base/result.h"
#include "proxy/backend/backend_pool.h"
#include "proxy/http/client_connection.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/loop.h"

namespace sockhook::keys {

class FetchListener {
 public:
  // The body, or why there is none. `max_age_s`: what Cache-Control says, if anything.
  virtual void on_fetched(const Result<std::string, std::string>& text,
                          std::optional<uint64_t> max_age_s) = 0;

 protected:
  ~FetchListener() = default;
};

class KeyFetch final : private backend::PoolRequest,
                       private http::ExchangeListener,
                       private net::DeadlineListener {
 public:
  static constexpr uint64_t kTimeoutMs = 5'000;

  // All outlive the fetch.
  KeyFetch(net::Loop& loop, backend::BackendPool& pool, const conf::HttpUrl& url,
           FetchListener* listener, uint64_t timeout_ms = kTimeoutMs);
  ~KeyFetch() = default;
  KeyFetch(const KeyFetch&) = delete;
  KeyFetch& operator=(const KeyFetch&) = delete;

  bool is_running() const { return state_ != State::kIdle; }
  // kIdle only.
  void start();
  // Ends it without an event.
  void cancel();

 private:
  enum class State : uint8_t { kIdle, kWaiting, kAsked };

  // backend::PoolRequest
  void on_connection(backend::Lease lease) override;
  void on_no_connection(backend::NoConnection why) override;
  // http::ExchangeListener
  void on_response_head(http::ResponseHead& head) override;
  void on_response_body(std::string_view data) override;
  void on_response_end(http::Headers& trailers, bool reusable) override;
  void on_failure(http::ExchangeFailure failure) override;
  // net::DeadlineListener
  void on_deadline(net::Deadline& deadline) override;

  void fail(std::string error);
  void finish(const Result<std::string, std::string>& text);

  net::Loop& loop_;
  backend::BackendPool& pool_;
  const conf::HttpUrl& url_;
  FetchListener* const listener_;
  const uint64_t timeout_ms_;
  State state_ = State::kIdle;
  backend::Lease lease_;
  net::Deadline deadline_{this};
  std::string body_;
  std::optional<uint64_t> max_age_s_;
};

}  // namespace sockhook::keys
