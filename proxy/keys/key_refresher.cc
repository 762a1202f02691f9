#include "proxy/keys/key_refresher.h"

namespace sockhook::keys {

KeyRefresher::KeyRefresher(net::Loop& loop, const IssuerTable& issuers, const IssuerKeys::Ask& ask,
                           KeyRefresherOwner* owner)
    : issuers_(issuers),
      owner_(owner),
      files_(std::make_unique<JwksFiles>(loop, issuers.files, owner)) {
  JwksUrlOwner* const self = this;
  for (const KeyUrl& url : issuers.urls) {
    urls_.push_back(std::make_unique<JwksUrl>(loop, url, owner, self));
  }
  attach(ask);
}

void KeyRefresher::attach(const IssuerKeys::Ask& ask) {
  for (const KeyFile& file : issuers_.files) file.keys->attach(ask);
  for (const KeyUrl& url : issuers_.urls) url.keys->attach(ask);
}

void KeyRefresher::start() {
  for (const auto& url : urls_) url->refresh();
}

void KeyRefresher::refresh(const IssuerKeys& keys) {
  if (is_closing_) return;
  files_->refresh(keys);
  for (const auto& url : urls_) {
    if (&url->keys() == &keys) url->refresh();
  }
}

void KeyRefresher::close() {
  is_closing_ = true;
  attach({});
  files_.reset();
  for (const auto& url : urls_) url->close();
}

std::vector<observe::KeyFacts> KeyRefresher::facts() const {
  std::vector<observe::KeyFacts> facts;
  if (files_) files_->add_facts(facts);
  for (const auto& url : urls_) facts.push_back(url->facts());
  return facts;
}

// May destroy this.
void KeyRefresher::on_jwks_url_closed(JwksUrl& url) {
  std::erase_if(urls_, [&](const auto& other) { return other.get() == &url; });
  if (urls_.empty()) owner_->on_refresher_closed();
}

}  // namespace sockhook::keys
