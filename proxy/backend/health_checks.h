// HealthChecks: asks each address of a backend every `interval` whether it works (contract 4.7).
//
// A check is a GET of `health.path` (behind the URL's path prefix) on a connection of its own,
// outside `max_connections`, so that a backend whose connections are all busy is not taken for a
// dead one. A 2xx within kTimeoutMs, or within the interval if that is shorter, is good; everything
// else is a failure. Each worker checks for itself. Without `health` this does nothing.
//
// Owner: a BackendPool, which destroys it after on_checks_closed. Thread: its worker's.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "conf/config.h"
#include "proxy/backend/address_set.h"
#include "proxy/backend/backend_dialer.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/loop.h"

namespace sockhook::backend {

class HealthListener {
 public:
  // A round of checks begins: the addresses should be up to date.
  virtual void on_check_round() = 0;
  // After close(), from the loop, when the last check's connection has closed.
  virtual void on_checks_closed() = 0;

 protected:
  ~HealthListener() = default;
};

class HealthChecks final : private net::DeadlineListener {
 public:
  static constexpr uint64_t kTimeoutMs = 5'000;

  HealthChecks(net::Loop& loop, const conf::Backend& backend, const BackendDialer& dialer,
               AddressSet& addresses, HealthListener* listener);
  ~HealthChecks();
  HealthChecks(const HealthChecks&) = delete;
  HealthChecks& operator=(const HealthChecks&) = delete;

  // The first round comes from the loop.
  void start();
  // Ends all checks. Without a running one nothing follows: see is_running.
  void close();
  bool is_running() const { return !checks_.empty(); }

 private:
  class Check;

  void on_deadline(net::Deadline& deadline) override;
  void on_result(BackendAddress& address, bool is_good);
  void on_check_closed(Check& check);

  net::Loop& loop_;
  const conf::Backend& backend_;
  const BackendDialer& dialer_;
  AddressSet& addresses_;
  HealthListener* listener_;
  std::vector<std::unique_ptr<Check>> checks_;
  net::Deadline next_round_{this};
  bool is_closed_ = false;
};

}  // namespace sockhook::backend
