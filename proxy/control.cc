#include "proxy/control.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "backplane/memory_backplane.h"
#include "backplane/redis/keys.h"
#include "backplane/redis/redis_backplane.h"
#include "conf/command_line.h"
#include "proxy/observe/log.h"
#include "proxy/observe/metrics_text.h"
#include "proxy/routing/version.h"

namespace sockhook {

using observe::Level;
using observe::LogLine;

namespace {

// The admin listener's requests need no body.
constexpr std::size_t kAdminBodyBytes = 1024;
constexpr unsigned kLastWordsMs = 50;

management::BackplaneState to_readiness(backplane::Backplane::State state) {
  switch (state) {
    case backplane::Backplane::State::kUp:
      return management::BackplaneState::kUp;
    case backplane::Backplane::State::kDown:
      return management::BackplaneState::kDown;
    case backplane::Backplane::State::kNone:
      break;
  }
  return management::BackplaneState::kNone;
}

// How long the records of a dead node may have to wait for a survivor (contract 8).
uint64_t record_ms(const conf::Config& config) {
  conf::Duration longest{0};
  for (const conf::Endpoint& endpoint : config.endpoints) {
    longest = std::max(longest, endpoint.disconnect_retry);
  }
  return static_cast<uint64_t>((longest + config.backplane.redis->lease).count());
}

std::unique_ptr<backplane::Backplane> make_backplane(net::Loop& loop, const conf::Config& config) {
  if (!config.backplane.redis) return std::make_unique<backplane::MemoryBackplane>(loop);
  return std::make_unique<backplane::RedisBackplane>(loop, *config.backplane.redis,
                                                     record_ms(config));
}

std::unique_ptr<cluster::ClusterNode> make_cluster(net::Loop& loop, Node& node,
                                                   const MailboxRouter::Post& post,
                                                   push::PushRouter& local,
                                                   backplane::Backplane& backplane,
                                                   cluster::ClusterOwner* owner) {
  if (!node.config->backplane.redis) return nullptr;
  return std::make_unique<cluster::ClusterNode>(
      loop,
      cluster::ClusterSetup{{node.ids.node_key(), node.name},
                            node.workers,
                            node.config->backplane.fence_when_partitioned,
                            static_cast<uint64_t>(node.config->backplane.redis->heartbeat.count()),
                            post},
      local, backplane, node.lease_ok_until_ms, owner);
}

std::unique_ptr<management::OperationReader> make_operations(
    net::Loop& loop, Node& node, management::ManagementApi& api,
    management::OperationReaderOwner* owner) {
  const auto& redis = node.config->backplane.redis;
  if (!redis || !redis->operations) return nullptr;
  return std::make_unique<management::OperationReader>(loop, *node.config,
                                                       backplane::node_text(node.ids.node_key()),
                                                       api, node.metrics.control, owner);
}

}  // namespace

Control::Control(Node& node, MailboxRouter::Post post_to_worker)
    : node_(node),
      post_to_worker_(std::move(post_to_worker)),
      mailbox_(loop_, [this](std::vector<ControlMessage>& messages) { on_messages(messages); }),
      router_(loop_, node, post_to_worker_,
              [this](PushReply reply) {
                // Refused only when the mailbox is full: the ticket times out then.
                if (!mailbox_.post(std::move(reply))) LogLine(Level::kWarn, "control overloaded");
              }),
      signals_(loop_, this),
      drain_(loop_, node.config->drain, node.workers, static_cast<DrainOwner*>(this)),
      backplane_(make_backplane(loop_, *node.config)),
      cluster_(make_cluster(loop_, node, post_to_worker_, router_, *backplane_,
                            static_cast<cluster::ClusterOwner*>(this))),
      management_(*node.config, cluster_ ? cluster_->router() : router_, *backplane_,
                  node.metrics.control),
      operations_(make_operations(loop_, node, management_,
                                  static_cast<management::OperationReaderOwner*>(this))),
      admin_(*this, node.config->listen.admin.token) {
  // Before there are workers: see IssuerKeys::attach.
  keys_.emplace(
      loop_, node.issuers,
      [this](const keys::IssuerKeys& keys) { return mailbox_.post(KeysWanted{&keys}); },
      static_cast<keys::KeyRefresherOwner*>(this));
}

Control::~Control() = default;

int Control::run(net::ListenSocket management, net::ListenSocket admin) {
  management_listener_.emplace(
      loop_, std::move(management), management_, node_.config->listen.management.body_size,
      static_cast<management::ApiListenerOwner*>(this), node_.tls->management);
  admin_listener_.emplace(loop_, std::move(admin), admin_, kAdminBodyBytes,
                          static_cast<management::ApiListenerOwner*>(this));
  pulse_.emplace(loop_, node_.metrics.control.loop_lag_us, node_.metrics.control.pulse_at_ms);
  certificates_.emplace(loop_, node_, post_to_worker_, static_cast<CertificateReloadOwner*>(this));
  watch_memory();
  if (cluster_) cluster_->start();
  if (operations_) operations_->start();
  keys_->start();
  loop_.run();
  return exit_code_;
}

void Control::on_messages(std::vector<ControlMessage>& messages) {
  for (ControlMessage& message : messages) {
    std::visit([this](auto& content) { handle(content); }, message);
  }
}

void Control::tell_workers(const std::function<WorkerMessage()>& make) {
  for (unsigned worker = 0; worker < node_.workers; ++worker) {
    // Only a mailbox that overflows with pushes refuses; the drain's next step comes all the same.
    if (!post_to_worker_(worker, make())) {
      LogLine(Level::kError, "a worker does not take messages").field("worker", uint64_t{worker});
    }
  }
}

void Control::on_signal(int signal) {
  if (signal == SIGHUP) {
    // The rest of the config is changed by a restart.
    if (certificates_) certificates_->reload();
    return;
  }
  if (drain_.on_signal()) return;
  LogLine(Level::kWarn, "second signal: stopping at once");
  // The workers still run, so the log is not taken from them: its thread gets time to write.
  uv_sleep(kLastWordsMs);
  ::_exit(0);
}

void Control::on_certificates(const TlsContexts& contexts) {
  if (management_listener_) management_listener_->use_tls(contexts.management);
}

// ---------------------------------------------------------------------------------------------
// The drain.

void Control::on_drain_begun() {
  node_.is_draining = true;
  backplane_->retire();
  if (operations_) operations_->retire();
}

void Control::close_connections(uint64_t period_ms) {
  tell_workers([&] { return BeginDrain{period_ms}; });
}

void Control::give_up_connections() {
  tell_workers([] { return EndDrain{}; });
}

// First what is said to others; then what is left is handed over, and on_left() follows.
void Control::on_drained() {
  if (operations_) return operations_->stop();
  leave_cluster();
}

void Control::leave_cluster() {
  if (cluster_) return cluster_->leave();
  stop();
}

// ---------------------------------------------------------------------------------------------
// The cluster.

// Only there workers tell these.
void Control::handle(JournalEntries& entries) { cluster_->handle(entries); }
void Control::handle(NewLifeBegun& begun) { cluster_->handle(begun); }

std::shared_ptr<const webhook::IdScheme> Control::begin_life() {
  auto ids = std::make_shared<const webhook::IdScheme>(Node::fresh_ids());
  router_.begin_life(ids);
  return ids;
}

void Control::on_replaced() {
  exit_code_ = conf::kExitFailed;
  drain_.on_replaced();
}

// ---------------------------------------------------------------------------------------------

void Control::on_deadline(net::Deadline&) { watch_memory(); }

void Control::handle(KeysWanted& wanted) {
  if (keys_) keys_->refresh(*wanted.keys);
}

void Control::on_keys_refreshed(const keys::IssuerKeys& keys) {
  tell_workers([&] { return KeysRefreshed{&keys}; });
}

void Control::watch_memory() {
  const auto used = memory_.used_percent();
  node_.is_short_of_memory = used && *used > node_.config->ready.memory.value;
  loop_.deadlines().arm(memory_deadline_, MemoryWatch::kIntervalMs);
}

// All workers have drained: management and admin have served to the end.
void Control::stop() {
  keys_->close();
  management_listener_->stop();
  admin_listener_->stop();
}

void Control::on_listener_stopped(management::ApiListener& listener) {
  if (management_listener_ && &listener == &*management_listener_) {
    management_listener_.reset();
  } else {
    admin_listener_.reset();
  }
  end_if_stopped();
}

void Control::end_if_stopped() {
  if (management_listener_ || admin_listener_ || !keys_->is_closed()) return;
  tell_workers([] { return StopWorker{}; });
  pulse_.reset();
  certificates_.reset();
  keys_.reset();
  memory_deadline_.cancel();
  signals_.close();
  mailbox_.close();
  loop_.close();
}

bool Control::loops_turn() const { return observe::loops_turn(node_.metrics); }

management::Readiness Control::readiness() const {
  management::Readiness readiness;
  readiness.is_draining = node_.is_draining;
  if (const auto used = memory_.used_percent()) readiness.memory = *used / 100.0;
  readiness.backplane = to_readiness(backplane_->state());
  const bool needs_backplane = node_.config->ready.backplane_required || node_.is_cut_off;
  const bool lacks_backplane = readiness.backplane == management::BackplaneState::kDown;
  readiness.is_ready =
      !node_.is_draining && !node_.is_short_of_memory && !(needs_backplane && lacks_backplane);
  return readiness;
}

std::string Control::metrics_text() const {
  constexpr double kMicroseconds = 1e6;
  observe::NodeFacts facts;
  facts.version = kVersion;
  facts.is_backplane_up = backplane_->state() != backplane::Backplane::State::kDown;
  facts.backplane_loop_seconds =
      static_cast<double>(backplane_->loop_us().value_or(0)) / kMicroseconds;
  facts.nodes = backplane_->others().size() + 1;
  if (operations_) {
    constexpr double kMilliseconds = 1e3;
    facts.operations_waiting = operations_->stream().entries_left();
    facts.operations_lag_seconds =
        static_cast<double>(operations_->stream().lag_ms()) / kMilliseconds;
  }
  facts.keys = keys_->facts();
  for (const SharedBackend& backend : node_.backends) {
    if (!backend.breaker) continue;
    facts.breakers.push_back({backend.conf->name, static_cast<unsigned>(backend.breaker->state()),
                              backend.breaker->openings()});
  }
  return observe::metrics_text(node_.metrics, facts);
}

management::DrainProgress Control::drain_progress() const {
  management::DrainProgress progress;
  progress.phase = drain_.phase();
  for (const auto& worker : node_.metrics.workers) {
    progress.disconnects += worker->disconnect_backlog.value();
    for (const auto& endpoint : worker->endpoints) {
      progress.connections += endpoint->connections.value();
    }
  }
  return progress;
}

}  // namespace sockhook
