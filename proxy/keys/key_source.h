// KeySource: one jwks_file or jwks_url, and what reading it has come to.
//
// A set that was read takes the place of the one before; a read that fails leaves that as it is.
// Either is counted. The log tells of it when something is different from the last time: other
// keys, the first failure, another failure, and that it works again.
//
// Owner: a JwksFiles or a JwksUrl. Thread: the control's.

#pragma once

#include <cstdint>
#include <string>

#include "protocol/base/result.h"
#include "proxy/keys/issuer_keys.h"
#include "proxy/net/loop.h"
#include "proxy/observe/metrics_text.h"

namespace sockhook::keys {

class KeyListener {
 public:
  // A refresh has ended, well or not: who waits for these keys goes on.
  virtual void on_keys_refreshed(const IssuerKeys& keys) = 0;

 protected:
  ~KeyListener() = default;
};

class KeySource {
 public:
  // `name` for the log and the metrics: a path, or a URL without what may be secret.
  KeySource(const net::Loop& loop, std::string name, IssuerKeysPtr keys, KeyListener* listener);

  const IssuerKeys& keys() const { return *keys_; }
  // A read is under way. end() follows.
  void begin() { keys_->begin(); }
  // The text of a JWK Set, or why there is none. True if it can be used.
  bool end(const Result<std::string, std::string>& text);

  observe::KeyFacts facts() const;

 private:
  void on_good(IssuerKeys::Set set);
  void on_failed(const std::string& error);

  const net::Loop& loop_;
  const std::string name_;
  const IssuerKeysPtr keys_;
  KeyListener* const listener_;
  std::string ids_;    // of the set in use
  std::string error_;  // of the last read; empty: it was good
  uint64_t good_ = 0;
  uint64_t failed_ = 0;
  uint64_t read_at_ms_;  // the set in use, or since when none could be read
};

}  // namespace sockhook::keys
