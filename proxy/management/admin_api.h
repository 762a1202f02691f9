// AdminApi: what operators and orchestrators ask: /healthz, /readyz, /metrics (contract 10), and
// /drain, which tells how far a drain is (GET) and begins one (POST).
//
// Whoever reaches the listener may read. What changes something needs the admin token: 401 without
// it; where none is configured nothing can be changed (403).
//
// Owner: the Control. Thread: the control loop's.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/management/bearer_token.h"
#include "proxy/management/request_handler.h"

namespace sockhook::management {

enum class BackplaneState : std::uint8_t { kNone, kUp, kDown };

struct Readiness {
  bool is_ready = true;
  bool is_draining = false;
  BackplaneState backplane = BackplaneState::kNone;
  std::optional<double> memory;  // used share of the memory limit; nothing without a limit
};

// In the order of their coming: see Drain.
enum class DrainPhase : std::uint8_t { kServing, kWaiting, kClosing, kGivingUp, kDrained };

struct DrainProgress {
  DrainPhase phase = DrainPhase::kServing;
  std::uint64_t connections = 0;  // open ones
  std::uint64_t disconnects = 0;  // $disconnects that are owed
};

// The node, as the Control knows it.
class NodeStatus {
 public:
  // Every loop has turned within the last second.
  virtual bool loops_turn() const = 0;
  virtual Readiness readiness() const = 0;
  virtual std::string metrics_text() const = 0;
  virtual DrainProgress drain_progress() const = 0;
  virtual void request_drain() = 0;

 protected:
  ~NodeStatus() = default;
};

class AdminApi final : public RequestHandler {
 public:
  AdminApi(NodeStatus& node, const std::optional<std::string>& token);

  std::optional<Answer> refuse(const http::RequestHead& head) override;
  Started handle(const http::RequestHead& head, std::string body, bool is_oversized,
                 CallListener* listener) override;
  void forget(CallId) override {}

 private:
  Answer healthz() const;
  Answer readyz() const;
  Answer metrics() const;
  Answer drain() const;
  Answer begin_drain();

  struct Page;
  static const Page* find_page(const http::RequestHead& head);
  std::optional<Answer> refuse_change(const http::RequestHead& head) const;

  NodeStatus& node_;
  std::optional<BearerToken> token_;
};

}  // namespace sockhook::management
