#include "proxy/keys/key_fetch.h"

#include <charconv>
#include <utility>

#include "protocol/auth/key_set.h"
#include "protocol/http/http_writer.h"

namespace sockhook::keys {
namespace {

std::string request(const conf::HttpUrl& url) {
  http::Headers headers{{"Host", url.authority},
                        {"User-Agent", "sockhook-keys"},
                        {"Accept", "application/jwk-set+json, application/json"},
                        {"Connection", "close"}};
  std::string head;
  http::write_request_head(head, "GET", url.target, headers);
  return head;
}

std::optional<uint64_t> seconds_of(std::string_view text) {
  uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return seconds;
}

// RFC 9111 5.2.2: how long it is fresh; 0 where it is not to be kept.
std::optional<uint64_t> max_age_of(const http::Headers& headers) {
  constexpr std::string_view kMaxAge = "max-age=";
  for (std::string_view list : headers.find_all("Cache-Control")) {
    while (const auto element = http::next_list_element(list)) {
      const std::string directive = http::to_lower(*element);
      if (directive == "no-cache" || directive == "no-store") return 0;
      if (directive.starts_with(kMaxAge)) {
        return seconds_of(std::string_view(directive).substr(kMaxAge.size()));
      }
    }
  }
  return std::nullopt;
}

// What speaks against the answer; empty: nothing.
std::string complaint_about(const http::ResponseHead& head) {
  constexpr int kOk = 200;
  std::string status = "was answered " + std::to_string(head.status);
  if (head.status >= 300 && head.status < 400) return status + ": redirects are not followed";
  if (head.status != kOk) return status;
  if (head.headers.contains("Content-Encoding")) return "was answered with an encoded body";
  return {};
}

}  // namespace

KeyFetch::KeyFetch(net::Loop& loop, backend::BackendPool& pool, const conf::HttpUrl& url,
                   FetchListener* listener, uint64_t timeout_ms)
    : loop_(loop), pool_(pool), url_(url), listener_(listener), timeout_ms_(timeout_ms) {}

void KeyFetch::start() {
  state_ = State::kWaiting;
  body_.clear();
  max_age_s_.reset();
  loop_.deadlines().arm(deadline_, timeout_ms_);
  // Refreshes are minutes apart: an idle connection would be closed on the way.
  backend::Lease lease = pool_.acquire(*this, {.fresh_only = true});
  if (lease) on_connection(std::move(lease));
}

void KeyFetch::cancel() {
  state_ = State::kIdle;
  deadline_.cancel();
  if (is_waiting()) PoolRequest::cancel();
  lease_.discard();
}

void KeyFetch::on_connection(backend::Lease lease) {
  state_ = State::kAsked;
  lease_ = std::move(lease);
  lease_.connection().send(this, request(url_), {});
}

void KeyFetch::on_no_connection(backend::NoConnection why) {
  fail(why == backend::NoConnection::kNoAddress ? "has a host without an address"
                                                : "cannot be connected");
}

void KeyFetch::on_response_head(http::ResponseHead& head) {
  const std::string complaint = complaint_about(head);
  if (!complaint.empty()) return fail(complaint);
  max_age_s_ = max_age_of(head.headers);
}

void KeyFetch::on_response_body(std::string_view data) {
  if (body_.size() + data.size() > auth::KeySet::kMaxJwksBytes) return fail("is over 256 KiB");
  body_ += data;
}

void KeyFetch::on_response_end(http::Headers&, bool) { finish(std::move(body_)); }

void KeyFetch::on_failure(http::ExchangeFailure failure) {
  fail(failure == http::ExchangeFailure::kMalformed ? "was answered with broken HTTP"
                                                    : "was not answered: the connection broke");
}

void KeyFetch::on_deadline(net::Deadline&) { fail("was not answered in time"); }

void KeyFetch::fail(std::string error) { finish(Failure{std::move(error)}); }

void KeyFetch::finish(const Result<std::string, std::string>& text) {
  cancel();
  listener_->on_fetched(text, max_age_s_);
}

}  // namespace sockhook::keys
