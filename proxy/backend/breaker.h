// Breaker: the circuit breaker of one backend on this node: webhooks to a backend that fails end at
// once, instead of waiting for what will not come and adding to its load.
//
//   kClosed    webhooks pass. When `failures` percent of the last `of` outcomes are failures, it
//   opens;
//              outcomes that have not been yet count as good ones
//   kOpen      none passes, for `open`, doubling to kMaxOpenMs each time that it opens again, up to
//   a
//              quarter less at random; but not before the time that the backend's last Retry-After
//              asked for
//   kHalfOpen  that time is over: one webhook at a time passes, the probe. If it goes well the
//   breaker
//              closes, if it fails it opens again
//
// Who wants to pass asks for a Permit, and says by it how it went. Outcomes of webhooks that were
// let in before the breaker last opened say nothing new: they are ignored, and those of them that
// still wait are no longer valid. A Permit that ends without a word counts for nothing; if it was
// the probe's, the next to ask is the probe.
//
// A state machine over a clock and a jitter that are passed in. Owner: the Server, which outlives
// all permits. Any thread: while it is closed and nothing has failed of late, passing and
// succeeding cost an atomic load each; else a mutex.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "conf/config.h"

namespace sockhook::backend {

class Breaker {
 public:
  enum class State : std::uint8_t { kClosed, kHalfOpen, kOpen };

  static constexpr uint64_t kMaxOpenMs = 30'000;

  // Leave to pass. Movable; destroyed without a word it counts for nothing.
  class Permit {
   public:
    Permit() = default;  // no leave, or none needed
    Permit(Permit&& other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)),
          opening_(other.opening_),
          is_probe_(other.is_probe_) {}
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { drop(); }

    explicit operator bool() const { return breaker_ != nullptr; }
    bool is_probe() const { return is_probe_; }
    // The breaker has not opened since.
    bool is_valid() const { return breaker_->openings_.load() == opening_; }
    void drop();

   private:
    friend class Breaker;
    Permit(Breaker* breaker, uint64_t opening, bool is_probe)
        : breaker_(breaker), opening_(opening), is_probe_(is_probe) {}

    Breaker* breaker_ = nullptr;
    uint64_t opening_ = 0;
    bool is_probe_ = false;
  };

  // `random_below(n)` is evenly distributed in [0, n); it is called by one thread at a time.
  Breaker(const conf::Breaker& settings, std::function<uint64_t(uint64_t)> random_below);
  Breaker(const Breaker&) = delete;
  Breaker& operator=(const Breaker&) = delete;

  // Empty: it is open, or another one is the probe.
  Permit ask(uint64_t now_ms);

  // How it went; uses the permit up. True: that has changed the state, to closed or to open.
  bool succeeded(Permit permit);
  // `retry_after_ms`: the backend asked to be left alone for so long; 0: it did not.
  bool failed(Permit permit, uint64_t now_ms, uint64_t retry_after_ms = 0);

  State state() const { return state_.load(); }
  uint64_t openings() const { return openings_.load(); }
  // Until somebody may be let in; 0: now, or when the probe has ended.
  uint64_t open_for_ms(uint64_t now_ms) const;

 private:
  bool note(bool is_failure);
  void forget_all();
  void open(uint64_t now_ms);

  const std::size_t of_;
  const std::size_t too_many_;  // failures
  const uint64_t first_open_ms_;
  const std::function<uint64_t(uint64_t)> random_below_;

  std::atomic<State> state_{State::kClosed};
  std::atomic<uint64_t> openings_{0};
  std::atomic<std::size_t> failures_{0};  // among outcomes_
  std::atomic<uint64_t> open_until_ms_{0};

  std::mutex mutex_;
  std::vector<bool> outcomes_;  // the last `of`: true is a failure; a ring
  std::size_t next_ = 0;
  uint64_t open_ms_;             // for the next time
  uint64_t asked_until_ms_ = 0;  // by the backend
  bool has_probe_ = false;
};

}  // namespace sockhook::backend
