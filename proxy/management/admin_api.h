// AdminApi: what operators and orchestrators ask: /healthz, /readyz, /metrics (contract 10).
//
// Everything here only reads, so the admin token, which allows what changes something, has nothing
// to allow yet.
//
// Owner: the Control. Thread: the control loop's.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/management/request_handler.h"

namespace sockhook::management {

enum class BackplaneState : std::uint8_t { kNone, kUp, kDown };

struct Readiness {
  bool is_ready = true;
  bool is_draining = false;
  BackplaneState backplane = BackplaneState::kNone;
  std::optional<double> memory;  // used share of the memory limit; nothing without a limit
};

// What the Control knows of the node.
class NodeStatus {
 public:
  // Every loop has turned within the last second.
  virtual bool loops_turn() const = 0;
  virtual Readiness readiness() const = 0;
  virtual std::string metrics_text() const = 0;

 protected:
  ~NodeStatus() = default;
};

class AdminApi final : public RequestHandler {
 public:
  explicit AdminApi(const NodeStatus& node) : node_(node) {}

  std::optional<Answer> refuse(const http::RequestHead& head) override;
  Started handle(const http::RequestHead& head, std::string body, bool is_oversized,
                 CallListener* listener) override;
  void forget(CallId) override {}

 private:
  Answer healthz() const;
  Answer readyz() const;
  Answer metrics() const;

  struct Page;
  static const Page* find_page(const http::RequestHead& head);

  const NodeStatus& node_;
};

}  // namespace sockhook::management
