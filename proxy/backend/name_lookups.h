// NameLookups: keeps an AddressSet filled with what a backend's URLs stand for now.
//
// Literal addresses and unix paths enter the set once. Names are resolved when refresh() finds
// their last answer older than kRefreshMs; while a lookup runs, and when it fails, the addresses
// known before stay.
//
// Owner: a BackendPool. Thread: its worker's.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "conf/config.h"
#include "proxy/backend/address_set.h"
#include "proxy/net/loop.h"

namespace sockhook::backend {

class LookupListener {
 public:
  // A lookup has ended, well or not. May come from inside refresh().
  virtual void on_lookup_ended() = 0;

 protected:
  ~LookupListener() = default;
};

class NameLookups {
 public:
  static constexpr uint64_t kRefreshMs = 10'000;

  NameLookups(net::Loop& loop, const std::vector<conf::BackendUrl>& urls, AddressSet& addresses,
              LookupListener* listener);
  ~NameLookups();
  NameLookups(const NameLookups&) = delete;
  NameLookups& operator=(const NameLookups&) = delete;

  // Asks for the names that are due; cheap when none is. With no address at all, all are due.
  void refresh();
  bool is_busy() const;

 private:
  class Lookup;

  net::Loop& loop_;
  AddressSet& addresses_;
  LookupListener* listener_;
  std::vector<std::unique_ptr<Lookup>> lookups_;
  uint64_t next_refresh_ms_ = 0;
};

}  // namespace sockhook::backend
