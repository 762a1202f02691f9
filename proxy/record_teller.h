// RecordTeller: tells the records of all connections of a worker again, when the backplane may have
// lost them: those of its sessions, slot by slot, then those of owed $disconnects.
//
// A part at a time: the next one goes when the last record of the one before is written, or after
// kWaitMs. So neither the loop nor the control is flooded, whatever the number of connections.
// What happens to a connection meanwhile is told as always, behind what has been told here.
//
// Owner: a WorkerCluster. Thread: the worker's.

#pragma once

#include <cstdint>
#include <optional>

#include "proxy/client/hub.h"
#include "proxy/journal/worker_journal.h"
#include "proxy/net/loop.h"
#include "proxy/webhook/webhook_client.h"

namespace sockhook {

class RecordTeller final : net::DeadlineListener {
 public:
  static constexpr uint32_t kSlotsAtOnce = 500;
  static constexpr uint64_t kWaitMs = 1000;

  RecordTeller(net::Loop& loop, const client::Hub& hub, webhooks::WebhookClient& webhooks,
               journal::WorkerJournal& journal)
      : loop_(loop), hub_(hub), webhooks_(webhooks), journal_(journal) {}

  // From the beginning, whatever has been told by now.
  void start();
  void on_record_written(backplane::Ticket ticket);
  void cancel();

 private:
  void on_deadline(net::Deadline& deadline) override;
  void tell_next();

  net::Loop& loop_;
  const client::Hub& hub_;
  webhooks::WebhookClient& webhooks_;
  journal::WorkerJournal& journal_;
  net::Deadline deadline_{this};
  std::optional<uint32_t> next_slot_;  // nothing: all sessions are told
  backplane::Ticket awaited_ = 0;
};

}  // namespace sockhook
