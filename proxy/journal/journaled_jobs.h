// JournaledJobs: routing::WebhookJobs in front of the WebhookClient, so that no $connect is sent
// before the record is written by which another node would send its $disconnect (contract 8).
//
// A $connect is held until RecordsWritten has come for it, or for kWaitMs: where the backplane does
// not answer in that time the connection goes on without a record. Everything else passes, and so
// does the $connect of an endpoint without a route for $disconnect.
//
// What is held is bounded by the connections of the node, one $connect each. A client that goes
// away meanwhile is still announced to the backend, and then its end, as when it leaves a little
// later.
//
// Owner: the Worker, which has none without a cluster. Thread: the worker's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "proxy/journal/worker_journal.h"
#include "proxy/net/loop.h"
#include "proxy/routing/owned_job.h"
#include "proxy/routing/webhook_job.h"

namespace sockhook::journal {

class JournaledJobs final : public routing::WebhookJobs, net::DeadlineListener {
 public:
  static constexpr uint64_t kWaitMs = 250;

  JournaledJobs(net::Loop& loop, WorkerJournal& journal, routing::WebhookJobs& next)
      : loop_(loop), journal_(journal), next_(next) {}

  void start(const routing::WebhookJob& job) override;
  // That record is written, or will not be. Nothing is held for it: normal.
  void on_record_written(backplane::Ticket ticket);
  // Drops all that is held; no results follow.
  void cancel_all();
  std::size_t held() const { return held_.size(); }

 private:
  struct Held {
    routing::OwnedJob job;
    uint64_t due_ms;  // loop time
  };

  void on_deadline(net::Deadline& deadline) override;
  void arm();

  net::Loop& loop_;
  WorkerJournal& journal_;
  routing::WebhookJobs& next_;
  net::Deadline deadline_{this};
  std::map<backplane::Ticket, Held> held_;  // tickets count up: by when they are due, too
};

}  // namespace sockhook::journal
