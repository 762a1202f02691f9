// Control: the main thread: management and admin listeners, signals, the drain, the routing of
// pushes to the workers, and, with a backplane of several nodes, this node's part in the cluster.
//
// Owner: the Server. Thread: run()'s; workers reach it through its mailbox.
//
// The end (contract 9): when the Drain is over, the node leaves the cluster, which what is left is
// handed over to, and everything stops. A second signal ends the process at once. A node that was
// replaced in its cluster ends with status 1.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "backplane/backplane.h"
#include "proxy/certificate_reload.h"
#include "proxy/cluster/cluster_node.h"
#include "proxy/drain.h"
#include "proxy/keys/key_refresher.h"
#include "proxy/mailbox.h"
#include "proxy/mailbox_router.h"
#include "proxy/management/admin_api.h"
#include "proxy/management/api_listener.h"
#include "proxy/management/management_api.h"
#include "proxy/management/operation_reader.h"
#include "proxy/memory_watch.h"
#include "proxy/messages.h"
#include "proxy/net/listener.h"
#include "proxy/node.h"
#include "proxy/observe/loop_pulse.h"
#include "proxy/signals.h"

namespace sockhook {

class Control final : net::DeadlineListener,
                      SignalListener,
                      DrainOwner,
                      CertificateReloadOwner,
                      cluster::ClusterOwner,
                      keys::KeyRefresherOwner,
                      management::ApiListenerOwner,
                      management::OperationReaderOwner,
                      management::NodeStatus {
 public:
  Control(Node& node, MailboxRouter::Post post_to_worker);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  Mailbox<ControlMessage>& mailbox() { return mailbox_; }
  // Returns when the node has drained, the program's exit code.
  int run(net::ListenSocket management, net::ListenSocket admin);

 private:
  void on_messages(std::vector<ControlMessage>& messages);
  void handle(PushReply& reply) { router_.on_reply(reply); }
  void handle(WorkerDrained&) { drain_.on_worker_drained(); }
  void handle(KeysWanted& wanted);
  void handle(JournalEntries& entries);
  void handle(NewLifeBegun& begun);
  void on_signal(int signal) override;
  void on_deadline(net::Deadline& deadline) override;
  void leave_cluster();
  void watch_memory();
  void tell_workers(const std::function<WorkerMessage()>& make);
  void stop();
  void end_if_stopped();

  // CertificateReloadOwner
  void on_certificates(const TlsContexts& contexts) override;
  // DrainOwner
  void on_drain_begun() override;
  void close_connections(uint64_t period_ms) override;
  void give_up_connections() override;
  void on_drained() override;
  // cluster::ClusterOwner
  std::shared_ptr<const webhook::IdScheme> begin_life() override;
  void set_cut_off(bool is_cut_off) override { node_.is_cut_off = is_cut_off; }
  void on_replaced() override;
  void on_left() override { stop(); }
  // keys::KeyRefresherOwner
  void on_keys_refreshed(const keys::IssuerKeys& keys) override;
  void on_refresher_closed() override { end_if_stopped(); }
  // management::ApiListenerOwner
  void on_listener_stopped(management::ApiListener& listener) override;
  // management::OperationReaderOwner
  void on_operations_stopped() override { leave_cluster(); }
  // management::NodeStatus
  bool loops_turn() const override;
  management::Readiness readiness() const override;
  std::string metrics_text() const override;
  management::DrainProgress drain_progress() const override;
  void request_drain() override { drain_.request(); }

  Node& node_;
  net::Loop loop_;
  const MailboxRouter::Post post_to_worker_;
  Mailbox<ControlMessage> mailbox_;
  MailboxRouter router_;
  Signals signals_;
  Drain drain_;
  MemoryWatch memory_;
  net::Deadline memory_deadline_{this};
  std::optional<observe::LoopPulse> pulse_;
  std::optional<CertificateReload> certificates_;
  const std::unique_ptr<backplane::Backplane> backplane_;
  const std::unique_ptr<cluster::ClusterNode> cluster_;  // null: there is one node
  std::optional<keys::KeyRefresher> keys_;
  management::ManagementApi management_;
  const std::unique_ptr<management::OperationReader> operations_;  // null: none are streamed
  management::AdminApi admin_;
  std::optional<management::ApiListener> management_listener_;
  std::optional<management::ApiListener> admin_listener_;
  int exit_code_ = 0;
};

}  // namespace sockhook
