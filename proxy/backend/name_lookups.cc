#include "proxy/backend/name_lookups.h"

#include <algorithm>
#include <utility>

#include "proxy/net/resolver.h"

namespace sockhook::backend {

class NameLookups::Lookup final : private net::ResolveListener {
 public:
  Lookup(NameLookups& owner, std::size_t url, const conf::BackendUrl& name)
      : owner_(owner), url_(url), name_(name), resolver_(owner.loop_, this) {}

  void start() { resolver_.resolve(name_.host, name_.port); }
  bool is_busy() const { return resolver_.is_busy(); }

 private:
  void on_resolved(int error, std::vector<net::SocketAddress> addresses) override {
    if (error == 0 && !addresses.empty()) owner_.addresses_.update(url_, addresses);
    owner_.listener_->on_lookup_ended();
  }

  NameLookups& owner_;
  const std::size_t url_;
  const conf::BackendUrl& name_;
  net::Resolver resolver_;
};

NameLookups::NameLookups(net::Loop& loop, const std::vector<conf::BackendUrl>& urls,
                         AddressSet& addresses, LookupListener* listener)
    : loop_(loop), addresses_(addresses), listener_(listener) {
  for (std::size_t i = 0; i < urls.size(); ++i) {
    const conf::BackendUrl& url = urls[i];
    const net::SocketAddress literal = url.is_unix() ? net::SocketAddress::unix_path(url.unix_path)
                                                     : net::SocketAddress::ip(url.host, url.port);
    if (literal.is_none()) {
      lookups_.push_back(std::make_unique<Lookup>(*this, i, url));
    } else {
      addresses_.update(i, {literal});
    }
  }
}

NameLookups::~NameLookups() = default;

void NameLookups::refresh() {
  if (lookups_.empty()) return;
  const uint64_t now_ms = loop_.now_ms();
  if (now_ms < next_refresh_ms_ && !addresses_.empty()) return;
  next_refresh_ms_ = now_ms + kRefreshMs;
  for (const auto& lookup : lookups_) {
    if (!lookup->is_busy()) lookup->start();
  }
}

bool NameLookups::is_busy() const {
  return std::any_of(lookups_.begin(), lookups_.end(),
                     [](const auto& lookup) { return lookup->is_busy(); });
}

}  // namespace sockhook::backend
