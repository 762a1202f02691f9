// KeyRefresher: keeps the keys of all jwks_files and jwks_urls of a Config fresh. See JwksFiles and
// JwksUrl for when they are read, KeySource for what a read comes to.
//
// Owner: the Control. Thread: the control's; want_fresh() of the keys is called on any, and reaches
// the refresher by the control's mailbox (refresh()).
// Life: open -> close() -> closed: on_refresher_closed comes once, from the loop, if is_closed() is
// not true at once. Destroyed while the loop runs.

#pragma once

#include <memory>
#include <vector>

#include "proxy/keys/issuer_table.h"
#include "proxy/keys/jwks_files.h"
#include "proxy/keys/jwks_url.h"

namespace sockhook::keys {

class KeyRefresherOwner : public KeyListener {
 public:
  // The refresher may be destroyed in it.
  virtual void on_refresher_closed() = 0;

 protected:
  ~KeyRefresherOwner() = default;
};

class KeyRefresher final : private JwksUrlOwner {
 public:
  // `ask` becomes that of all these keys. `issuers` outlives the refresher.
  KeyRefresher(net::Loop& loop, const IssuerTable& issuers, const IssuerKeys::Ask& ask,
               KeyRefresherOwner* owner);
  KeyRefresher(const KeyRefresher&) = delete;
  KeyRefresher& operator=(const KeyRefresher&) = delete;

  // Fetches all URLs for the first time.
  void start();
  // Reads these keys again, unless that is under way.
  void refresh(const IssuerKeys& keys);
  // From here on nobody can ask.
  void close();
  bool is_closed() const { return is_closing_ && urls_.empty(); }

  // One for each file and URL.
  std::vector<observe::KeyFacts> facts() const;

 private:
  void on_jwks_url_closed(JwksUrl& url) override;
  void attach(const IssuerKeys::Ask& ask);

  const IssuerTable& issuers_;
  KeyRefresherOwner* const owner_;
  std::unique_ptr<JwksFiles> files_;  // null once it is closing
  std::vector<std::unique_ptr<JwksUrl>> urls_;
  bool is_closing_ = false;
};

}  // namespace sockhook::keys
