// DisconnectBacklog: every $disconnect that is owed to one backend, until it has arrived (contract
// 3.4). One per backend per worker.
//
//   steady   up to kInFlight calls run at a time, so that a dying crowd cannot flood the backend;
//            live traffic goes first (the pool's priorities)
//   outage   the backend cannot be reached or says 502, 503, 504: everything waits while one probe
//            at a time is sent, by the oldest entry, 250 ms doubling to 30 s apart with full
//            jitter; with a breaker (backend/breaker.h) that is open, when that lets the next one
//            pass
//
// A Retry-After of 429 or 503 is waited for where it is longer.
//
// An entry that is answered 2xx, or 4xx other than 408, 425 and 429, is done. One that the backend
// fails on by itself is tried again by the same delays while the others go on. An entry whose end
// is longer ago than its endpoint's `disconnect_retry` is given up: logged and counted.
//
// In a cluster the journal is told of each that has to wait, when its first try has failed or after
// kTellAfterMs, so that another node would send the same event; and of each that is settled.
//
// How many there are is bounded by who lets clients in: see kFull.
//
// Owner: a WebhookClient. Thread: the worker's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

#include "proxy/net/deadline_wheel.h"
#include "proxy/random.h"
#include "proxy/webhook/outage_gate.h"
#include "proxy/webhook/webhook_call.h"

namespace sockhook::webhooks {

class DisconnectBacklog final : CallListener, net::DeadlineListener {
 public:
  static constexpr std::size_t kInFlight = 16;
  static constexpr uint64_t kFirstDelayMs = 250;
  static constexpr uint64_t kMaxDelayMs = 30'000;
  // With this many entries on a worker no client is let in: each would owe one more.
  static constexpr std::size_t kFull = 250'000;
  static constexpr uint64_t kTellAfterMs = 250;
  // At a time, so that telling all of a long outage again does not hold up the loop.
  static constexpr std::size_t kTellAtOnce = 500;

  DisconnectBacklog(CallContext& context, backend::BackendPool& pool, OutageGate& gate,
                    Random& random);
  ~DisconnectBacklog();

  void add(const routing::WebhookJob& job);
  // Entries that have not arrived yet, those under way included.
  std::size_t size() const { return ready_.size() + delayed_.size() + calls_.size(); }
  // Ends all that is left, with a log line for each: it is given up, or in a cluster left to the
  // other nodes. Calls under way are dropped.
  void end();
  // Forgets all that is left: it is another node's now.
  void drop();
  // Whoever was told has forgotten.
  void tell_again();

 private:
  struct Progress {
    uint64_t added_ms;       // loop time
    uint64_t give_up_at_ms;  // loop time
    unsigned failures = 0;
    uint32_t told_in = 0;  // see telling_
  };
  struct Entry {
    OwnedJob job;
    Progress progress;
  };

  void on_call_done(WebhookCall& call, routing::WebhookResult& result) override;
  void on_deadline(net::Deadline& deadline) override;

  void pump();
  Entry take_ready();
  void send(Entry entry);
  void settle(const OwnedJob& job);
  void tell(const OwnedJob& job, Progress& progress);
  void tell_waiting();
  uint64_t next_telling_ms() const;
  void arm();
  void delay(Entry entry, uint64_t at_least_ms);
  void begin_or_extend_outage(const routing::WebhookResult& result);
  uint64_t jittered(unsigned failures);
  uint64_t give_up_at_ms(const routing::WebhookJob& job) const;
  bool give_up_if_old(const Entry& entry);
  template <typename Visitor>
  void for_each(Visitor visit);
  void update_gauge();

  struct Pending {
    Progress progress;
    bool is_probe;
  };

  CallContext& context_;
  backend::BackendPool& pool_;
  OutageGate& gate_;
  Random& random_;
  net::Deadline deadline_{this};

  std::deque<Entry> ready_;
  std::multimap<uint64_t, Entry> delayed_;  // by when they are due
  WebhookCall::List calls_;
  std::map<const WebhookCall*, Pending> pending_;  // at most kInFlight
  bool is_out_ = false;
  unsigned outage_failures_ = 0;
  uint64_t next_probe_ms_ = 0;
  std::size_t counted_ = 0;  // what the gauge shows of us

  // What has been told, in which of the tellings: each asks for all of them anew.
  uint32_t telling_ = 1;
  std::size_t told_ready_ = 0;  // from the front of ready_
  std::multimap<uint64_t, Entry>::iterator untold_delayed_ = delayed_.end();
};

}  // namespace sockhook::webhooks
