// Backend: accepts every client, answers message N with `a N` after some milliseconds, and writes
// down what came. A webhook that is cut while it is on its way or under way is a broken promise.

#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>

#include "bench/http_text.h"
#include "tests/drain/event_loop.h"
#include "tests/drain/ledger.h"
#include "tests/drain/wire.h"

namespace drain_load {

class Backend final : private Watched {
 public:
  Backend(EventLoop& loop, Ledger& ledger, const sockaddr_in& address);
  ~Backend();

 private:
  class Caller;

  void on_ready(uint32_t events) override;
  void on_request(Caller& caller, const bench::HttpMessage& request);
  void on_message(const std::string& id, std::string_view body);
  void answer(uint64_t caller, const std::string& body);
  void forget(uint64_t caller);

  EventLoop& loop_;
  Ledger& ledger_;
  const int listener_;
  uint64_t last_caller_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<Caller>> callers_;
  std::minstd_rand random_;
};

}  // namespace drain_load
