#include "proxy/backend/health_checks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/http/http_writer.h"
#include "protocol/http/target.h"
#include "proxy/backend/pooled_connection.h"
#include "proxy/http/client_connection.h"

namespace sockhook::backend {
namespace {

std::string check_request(const conf::BackendUrl& url, const conf::Backend& backend) {
  http::Headers headers{{"Host", url.authority}, {"User-Agent", "sockhook-health"}};
  for (const conf::Header& header : backend.headers) headers.set(header.name, header.value);
  headers.set("Connection", "close");
  std::string head;
  http::write_request_head(head, "GET", http::join_paths(url.path_prefix, backend.health->path),
                           headers);
  return head;
}

}  // namespace

// One GET, from connect to close.
class HealthChecks::Check final : private http::ClientConnectionOwner,
                                  private http::ExchangeListener,
                                  private net::DeadlineListener {
 public:
  Check(HealthChecks& owner, AddressPtr address) : owner_(owner), address_(std::move(address)) {}

  void start(uint64_t timeout_ms) {
    auto stream = owner_.dialer_.make(*address_);
    net::ConnectableStream* const connecting = stream.get();
    http::ParserLimits limits;
    limits.head_bytes = PooledConnection::kAnswerHeadBytes;
    http::ClientConnectionOwner* const owner = this;
    http_ = std::make_unique<http::ClientConnection>(std::move(stream), false, limits, owner);
    owner_.loop_.deadlines().arm(deadline_, timeout_ms);
    if (connecting->connect(address_->address, http_.get()) != 0) end(false);
  }

  // Without a result.
  void close() {
    has_ended_ = true;
    deadline_.cancel();
    if (!http_->is_closing()) http_->abort();
  }

  const BackendAddress& address() const { return *address_; }

 private:
  void end(bool is_good) {
    if (has_ended_) return;
    close();
    owner_.on_result(*address_, is_good);
  }

  void on_connected(http::ClientConnection& connection, int error) override {
    if (error != 0) {
      owner_.dialer_.log_failure(*address_, connection.stream());
      end(false);
      return;
    }
    connection.send(this, check_request(owner_.backend_.urls[address_->url], owner_.backend_), {});
  }
  void on_unusable(http::ClientConnection&) override { end(false); }
  void on_closed(http::ClientConnection&) override { owner_.on_check_closed(*this); }

  void on_response_head(http::ResponseHead& head) override { status_ = head.status; }
  void on_response_body(std::string_view data) override {
    body_bytes_ += data.size();
    if (body_bytes_ > kMaxBodyBytes) end(false);
  }
  void on_response_end(http::Headers&, bool) override { end(status_ >= 200 && status_ < 300); }
  void on_failure(http::ExchangeFailure) override { end(false); }
  void on_deadline(net::Deadline&) override { end(false); }

  static constexpr std::size_t kMaxBodyBytes = 1024 * 1024;

  HealthChecks& owner_;
  AddressPtr address_;
  std::unique_ptr<http::ClientConnection> http_;
  net::Deadline deadline_{this};
  bool has_ended_ = false;
  int status_ = 0;
  std::size_t body_bytes_ = 0;
};

HealthChecks::HealthChecks(net::Loop& loop, const conf::Backend& backend,
                           const BackendDialer& dialer, AddressSet& addresses,
                           HealthListener* listener)
    : loop_(loop), backend_(backend), dialer_(dialer), addresses_(addresses), listener_(listener) {}

HealthChecks::~HealthChecks() { SOCKHOOK_CHECK(checks_.empty()); }

void HealthChecks::start() {
  if (backend_.health) loop_.deadlines().arm(next_round_, 0);
}

void HealthChecks::close() {
  is_closed_ = true;
  next_round_.cancel();
  for (const auto& check : checks_) check->close();
}

void HealthChecks::on_deadline(net::Deadline&) {
  const auto interval_ms = static_cast<uint64_t>(backend_.health->interval.count());
  loop_.deadlines().arm(next_round_, interval_ms);
  listener_->on_check_round();
  for (const AddressPtr& address : addresses_.all()) {
    const bool is_under_way = std::any_of(checks_.begin(), checks_.end(), [&](const auto& check) {
      return &check->address() == address.get();
    });
    if (is_under_way) continue;
    checks_.push_back(std::make_unique<Check>(*this, address));
    checks_.back()->start(std::min(interval_ms, kTimeoutMs));
  }
}

void HealthChecks::on_result(BackendAddress& address, bool is_good) {
  if (is_good) {
    addresses_.on_good(address);
  } else {
    addresses_.on_failed(address, loop_.now_ms());
  }
}

void HealthChecks::on_check_closed(Check& check) {
  std::erase_if(checks_, [&](const auto& other) { return other.get() == &check; });
  if (is_closed_ && checks_.empty()) listener_->on_checks_closed();
}

}  // namespace sockhook::backend
