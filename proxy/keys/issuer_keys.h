// IssuerKeys: the keys that one issuer signs with now, as all threads see them.
//
// Those of the config never change. Those of a jwks_file or jwks_url are published by a
// KeyRefresher on the control's thread; whoever meets a token whose key is not there asks for a
// fresh set and, if one comes, waits for KeysRefreshed (proxy/messages.h).
//
// However many ask, the issuer is asked once: while a refresh is under way nobody starts another,
// and kMinIntervalMs passes from one that was asked for to the next.
//
// Owner: shared by all `jwt` entries with the same source, and by the Node; outlives all threads.
// Any thread, but for what says otherwise.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "protocol/auth/key_set.h"

namespace sockhook::keys {

class IssuerKeys {
 public:
  using Set = std::shared_ptr<const auth::KeySet>;
  // Asks for a refresh, any thread: false if that is not possible (the process ends).
  using Ask = std::function<bool(const IssuerKeys&)>;

  static constexpr uint64_t kMinIntervalMs = 10'000;

  // Without keys, until the first publish().
  explicit IssuerKeys(uint64_t min_interval_ms = kMinIntervalMs)
      : min_interval_ms_(min_interval_ms) {}
  // Keys that nobody refreshes.
  explicit IssuerKeys(auth::KeySet keys);
  IssuerKeys(const IssuerKeys&) = delete;
  IssuerKeys& operator=(const IssuerKeys&) = delete;

  // Null: none could be read so far.
  Set current() const;

  // `seen` (what current() gave, null perhaps) lacks a key. True: a KeysRefreshed that names these
  // keys follows, after which current() is worth another look. False: nothing newer is to be had.
  [[nodiscard]] bool want_fresh(const Set& seen);

  // ---- The refresher's side, on its thread.
  // Empty: nobody can be asked any more.
  void attach(Ask ask);
  // A refresh is under way, asked for or not. end() follows.
  void begin();
  // It has ended: with `fresh`, or, if that is null, without success: the last good set stays.
  void end(Set fresh);

 private:
  const uint64_t min_interval_ms_;
  mutable std::mutex mutex_;
  Set set_;
  Ask ask_;  // none: nobody refreshes
  bool is_under_way_ = false;
  uint64_t next_ask_ms_ = 0;  // steady clock
};

using IssuerKeysPtr = std::shared_ptr<IssuerKeys>;

}  // namespace sockhook::keys
