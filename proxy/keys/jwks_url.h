// JwksUrl: keeps the keys behind one jwks_url fresh.
//
// Fetched at start; after a good answer again when its max-age is over, as far as that is within
// kMinMs and kMaxMs (kDefaultMs where it says nothing), up to a tenth earlier, at random; after a
// failure again after kFirstRetryMs, doubling to kMaxRetryMs, half of it at random; and at once
// when somebody asks (IssuerKeys limits that). One fetch is under way at a time.
//
// Owner: the KeyRefresher. Thread: the control's.
// Life: open -> close() -> closed: on_jwks_url_closed comes once, from the loop.

#pragma once

#include <cstdint>
#include <optional>

#include "proxy/backend/backend_budget.h"
#include "proxy/backend/backend_pool.h"
#include "proxy/keys/issuer_table.h"
#include "proxy/keys/key_fetch.h"
#include "proxy/keys/key_source.h"
#include "proxy/random.h"

namespace sockhook::keys {

class JwksUrl;

class JwksUrlOwner {
 public:
  // It may be destroyed in it.
  virtual void on_jwks_url_closed(JwksUrl& url) = 0;

 protected:
  ~JwksUrlOwner() = default;
};

class JwksUrl final : private FetchListener,
                      private backend::PoolListener,
                      private net::DeadlineListener {
 public:
  static constexpr uint64_t kMinMs = 60'000;
  static constexpr uint64_t kDefaultMs = 600'000;
  static constexpr uint64_t kMaxMs = 3'600'000;
  static constexpr uint64_t kFirstRetryMs = 1'000;
  static constexpr uint64_t kMaxRetryMs = 60'000;
  static constexpr uint64_t kConnectMs = 2'000;  // to one address

  JwksUrl(net::Loop& loop, const KeyUrl& url, KeyListener* listener, JwksUrlOwner* owner,
          uint64_t timeout_ms = KeyFetch::kTimeoutMs);
  JwksUrl(const JwksUrl&) = delete;
  JwksUrl& operator=(const JwksUrl&) = delete;

  // Unless a fetch is under way.
  void refresh();
  void close();

  const IssuerKeys& keys() const { return source_.keys(); }
  observe::KeyFacts facts() const { return source_.facts(); }
  // When the next fetch comes by itself, in the loop's time; none while one is under way.
  std::optional<uint64_t> next_fetch_ms() const;

 private:
  void on_fetched(const Result<std::string, std::string>& text,
                  std::optional<uint64_t> max_age_s) override;
  void on_pool_closed(backend::BackendPool& pool) override;
  void on_deadline(net::Deadline&) override { refresh(); }

  uint64_t pause_after_good(std::optional<uint64_t> max_age_s);
  uint64_t pause_after_failure();

  net::Loop& loop_;
  const conf::HttpUrl url_;
  JwksUrlOwner* const owner_;
  KeySource source_;
  backend::BackendBudget budget_;
  backend::BackendPool pool_;
  KeyFetch fetch_;
  Random random_;
  net::Deadline next_{this};
  uint64_t retry_ms_ = kFirstRetryMs;
};

}  // namespace sockhook::keys
