// OutageGate: after an outage one request at a time asks whether a backend is back, whichever
// worker sends it (contract 3.4). One per backend. Owner: the Server. Any thread.

#pragma once

#include <atomic>

namespace sockhook::webhooks {

class OutageGate {
 public:
  // True: the caller may probe, and calls end_probe() when it knows.
  bool begin_probe() { return !is_probing_.exchange(true); }
  void end_probe() { is_probing_.store(false); }

 private:
  std::atomic<bool> is_probing_{false};
};

}  // namespace sockhook::webhooks
