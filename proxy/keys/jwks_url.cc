#include "proxy/keys/jwks_url.h"

#include <algorithm>
#include <memory>

namespace sockhook::keys {
namespace {

// Of the connections, one of which may still be closing when the next fetch begins.
constexpr std::size_t kMaxConnections = 4;

std::shared_ptr<const conf::Backend> backend_of(const conf::HttpUrl& url) {
  auto backend = std::make_shared<conf::Backend>();
  backend->name = url.to_string();
  backend->connect_timeout = conf::Duration{JwksUrl::kConnectMs};
  backend->max_connections = kMaxConnections;
  conf::BackendUrl& target = backend->urls.emplace_back();
  target.https = url.https;
  target.host = url.server.host;
  target.port = url.server.port;
  target.authority = url.authority;
  return backend;
}

}  // namespace

JwksUrl::JwksUrl(net::Loop& loop, const KeyUrl& url, KeyListener* listener, JwksUrlOwner* owner,
                 uint64_t timeout_ms)
    : loop_(loop),
      url_(url.url),
      owner_(owner),
      source_(loop, url.url.to_string(), url.keys, listener),
      budget_(kMaxConnections, [] {}),  // no other pool has a part in it
      pool_(loop, backend_of(url.url), budget_, this, url.tls),
      fetch_(loop, pool_, url_, this, timeout_ms) {}

void JwksUrl::refresh() {
  if (fetch_.is_running()) return;
  next_.cancel();
  source_.begin();
  fetch_.start();
}

void JwksUrl::close() {
  next_.cancel();
  fetch_.cancel();
  pool_.close();
}

std::optional<uint64_t> JwksUrl::next_fetch_ms() const {
  if (!next_.is_armed()) return std::nullopt;
  return next_.due_ms();
}

void JwksUrl::on_fetched(const Result<std::string, std::string>& text,
                         std::optional<uint64_t> max_age_s) {
  const bool is_good = source_.end(text);
  loop_.deadlines().arm(next_, is_good ? pause_after_good(max_age_s) : pause_after_failure());
}

uint64_t JwksUrl::pause_after_good(std::optional<uint64_t> max_age_s) {
  constexpr uint64_t kMsPerSecond = 1000;
  retry_ms_ = kFirstRetryMs;
  uint64_t pause_ms = kDefaultMs;
  if (max_age_s) {
    const uint64_t seconds = std::min(*max_age_s, kMaxMs / kMsPerSecond);
    pause_ms = std::max(seconds * kMsPerSecond, kMinMs);
  }
  return pause_ms - random_.below(pause_ms / 10);
}

uint64_t JwksUrl::pause_after_failure() {
  const uint64_t pause_ms = retry_ms_;
  retry_ms_ = std::min(2 * retry_ms_, kMaxRetryMs);
  return pause_ms / 2 + random_.below(pause_ms / 2);
}

void JwksUrl::on_pool_closed(backend::BackendPool&) { owner_->on_jwks_url_closed(*this); }

}  // namespace sockhook::keys
