// Worker: one thread, one loop, and all that lives on it: the public listener, the connections it
// accepts for their whole life, their webhooks and the pools to the backends.
//
// Workers share nothing but the Node; the control reaches one only through its mailbox.
// Owner: the Server. Thread: run()'s, except post().

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "proxy/backend/backend_pool.h"
#include "proxy/client/hub.h"
#include "proxy/client/public_connection.h"
#include "proxy/client/public_context.h"
#include "proxy/client/session_context.h"
#include "proxy/drain_schedule.h"
#include "proxy/journal/worker_journal.h"
#include "proxy/mailbox.h"
#include "proxy/messages.h"
#include "proxy/net/listener.h"
#include "proxy/node.h"
#include "proxy/observe/loop_pulse.h"
#include "proxy/passthrough/passthrough.h"
#include "proxy/webhook/webhook_client.h"
#include "proxy/worker_cluster.h"

namespace sockhook {

class Worker final : net::AcceptListener,
                     net::DeadlineListener,
                     routing::WebhookResults,
                     backend::PoolListener,
                     journal::JournalSink,
                     client::PublicContext::Owner {
 public:
  Worker(Node& node, unsigned index, Mailbox<ControlMessage>& control);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Starts the thread; the node's backends are complete by now.
  void start(net::ListenSocket socket);
  void join() { thread_.join(); }
  // False: the mailbox is full, or the worker has stopped. Any thread.
  [[nodiscard]] bool post(WorkerMessage message) { return mailbox_.post(std::move(message)); }

 private:
  // What has a Config to live by: made on the worker's thread.
  struct Parts;

  void run(net::ListenSocket socket);
  void on_messages(std::vector<WorkerMessage>& messages);
  void handle(PushRequest& request);
  void handle(BeginDrain& drain);
  void handle(EndDrain& drain);
  void handle(StopWorker& stop);
  void handle(BudgetChanged& change);
  void handle(UseCertificates& use);
  void handle(KeysRefreshed& refreshed);
  void handle(RecordsWritten& written);
  void handle(AdoptOrphans& orphans);
  void handle(TellRecords& tell);
  void handle(BeginNewLife& begin);
  void handle(CutOff& cut_off);
  void handle(LeaseConfirmed& confirmed);
  void answer_new_life();
  void advance_drain();
  void report_when_drained();
  void end_if_pools_closed();

  void on_connection(const net::Incoming& incoming) override;
  void on_stopped() override;
  void on_deadline(net::Deadline& deadline) override;
  void on_webhook_result(routing::WebhookResult& result) override;
  void on_pool_closed(backend::BackendPool& pool) override;
  bool tell(JournalEntries& entries) override;
  void on_public_connection_closed(client::PublicConnection& connection) override;
  void make_room(client::PublicConnection& newcomer) override;

  Node& node_;
  const unsigned index_;
  Mailbox<ControlMessage>& control_;
  net::Loop loop_;
  Mailbox<WorkerMessage> mailbox_;
  std::unique_ptr<Parts> parts_;
  std::thread thread_;
};

}  // namespace sockhook
