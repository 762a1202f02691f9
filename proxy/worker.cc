#include "proxy/worker.h"

#include <utility>

#include "proxy/client/corks.h"
#include "proxy/observe/log.h"

namespace sockhook {

namespace {

// How often a draining worker looks whether anything is left.
constexpr uint64_t kDrainTickMs = 20;
// For the $disconnects of connections that the end of the drain has killed.
constexpr uint64_t kLastDisconnectsMs = 500;
// The control has no room for an answer that it waits for.
constexpr uint64_t kAnswerAgainMs = 10;

client::PublicContext::TokenGates make_gates(const Node& node) {
  client::PublicContext::TokenGates gates(node.config->endpoints.size());
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const std::vector<conf::Jwt>& issuers = node.config->endpoints[i].jwt;
    if (issuers.empty()) continue;
    gates[i] = std::make_unique<const client::TokenGate>(issuers, node.issuers.endpoints[i]);
  }
  return gates;
}

}  // namespace

struct Worker::Parts {
  explicit Parts(Worker& worker);

  webhooks::WebhookClient make_client(Worker& worker);
  static std::optional<journal::WorkerJournal> make_journal(Worker& worker);
  std::unique_ptr<WorkerCluster> make_cluster(Worker& worker);

  Random random;
  std::optional<journal::WorkerJournal> journal;  // in a cluster
  client::Hub hub;
  std::vector<std::unique_ptr<backend::BackendPool>> pools;
  webhooks::WebhookClient webhooks;
  std::unique_ptr<WorkerCluster> cluster;  // null: there is none
  client::SessionContext sessions;
  client::PublicContext front;
  std::optional<passthrough::Passthrough> passthrough;
  client::PublicConnection::List connections;
  std::optional<net::Listener> listener;
  std::optional<observe::LoopPulse> pulse;
  std::optional<DrainSchedule> drain;
  net::Deadline drain_tick;
  net::Deadline new_life_answer;
  std::size_t open_pools = 0;
  bool is_draining = false;
  std::optional<uint64_t> backlog_ends_at_ms;  // the drain is over
  bool is_drained = false;
};

std::optional<journal::WorkerJournal> Worker::Parts::make_journal(Worker& worker) {
  if (!worker.node_.config->backplane.redis) return std::nullopt;
  return std::optional<journal::WorkerJournal>(std::in_place, worker.loop_, worker.index_,
                                               worker.node_.ids.node_key(),
                                               static_cast<journal::JournalSink*>(&worker));
}

Worker::Parts::Parts(Worker& worker)
    : journal(make_journal(worker)),
      hub(worker.node_.ids, static_cast<uint8_t>(worker.index_), journal ? &*journal : nullptr),
      webhooks(make_client(worker)),
      cluster(make_cluster(worker)),
      sessions{worker.loop_,
               cluster != nullptr ? cluster->jobs() : webhooks,
               worker.node_.admission,
               *worker.node_.metrics.workers[worker.index_],
               random,
               hub,
               {},
               {},
               journal ? &*journal : nullptr},
      front{worker.loop_,
            *worker.node_.config,
            worker.node_.routes,
            worker.node_.trusted_proxies,
            sessions,
            nullptr,
            worker.node_.is_short_of_memory,
            worker.node_.is_cut_off},
      drain_tick(&worker),
      new_life_answer(&worker) {
  front.owner = &worker;
  front.token_gates = make_gates(worker.node_);
  front.tls = worker.node_.tls->public_;
  if (const auto& settings = worker.node_.config->passthrough) {
    passthrough.emplace(worker.loop_, *settings, *pools[settings->backend], sessions.metrics);
    front.plain = &*passthrough;
  }
  open_pools = pools.size();
  observe::WorkerMetrics& metrics = sessions.metrics;
  pulse.emplace(worker.loop_, metrics.loop_lag_us, metrics.pulse_at_ms);
}

webhooks::WebhookClient Worker::Parts::make_client(Worker& worker) {
  std::vector<webhooks::WebhookClient::BackendLink> links;
  for (const SharedBackend& shared : worker.node_.backends) {
    pools.push_back(std::make_unique<backend::BackendPool>(
        worker.loop_, shared.conf, *shared.budget, static_cast<backend::PoolListener*>(&worker),
        shared.tls, shared.breaker.get()));
    links.push_back({pools.back().get(), shared.gate.get()});
  }
  return {worker.loop_,
          worker.node_.name,
          worker.node_.routes.signer(),
          random,
          *worker.node_.metrics.workers[worker.index_],
          links,
          &worker,
          journal ? webhooks::WebhookClient::ClusterLink{&worker.node_.lease_ok_until_ms, &*journal}
                  : webhooks::WebhookClient::ClusterLink{}};
}

std::unique_ptr<WorkerCluster> Worker::Parts::make_cluster(Worker& worker) {
  if (!journal) return nullptr;
  return std::make_unique<WorkerCluster>(worker.loop_, worker.node_.routes, *journal, hub,
                                         webhooks);
}

Worker::Worker(Node& node, unsigned index, Mailbox<ControlMessage>& control)
    : node_(node),
      index_(index),
      control_(control),
      mailbox_(loop_, [this](std::vector<WorkerMessage>& messages) { on_messages(messages); }) {}

Worker::~Worker() = default;

void Worker::start(net::ListenSocket socket) {
  thread_ =
      std::thread([this, moved = std::make_shared<net::ListenSocket>(std::move(socket))]() mutable {
        run(std::move(*moved));
      });
}

void Worker::run(net::ListenSocket socket) {
  loop_.adopt();
  parts_ = std::make_unique<Parts>(*this);
  parts_->listener.emplace(loop_, std::move(socket), static_cast<net::AcceptListener*>(this));
  loop_.run();
  parts_.reset();
}

// ---------------------------------------------------------------------------------------------
// Messages of the control.

void Worker::on_messages(std::vector<WorkerMessage>& messages) {
  // Frames for one socket that come in one batch go out in one write.
  client::Corks corks(parts_->hub, messages.size() > 1);
  for (WorkerMessage& message : messages) {
    std::visit([this](auto& content) { handle(content); }, message);
  }
}

void Worker::handle(PushRequest& request) {
  PushReply reply{index_, request.ticket, parts_->hub.execute(request.command)};
  // Full only when the control hangs; the command times out there.
  if (!control_.post(std::move(reply))) {
    observe::LogLine(observe::Level::kWarn, "push reply lost").field("worker", uint64_t{index_});
  }
}

void Worker::handle(BudgetChanged&) {
  for (const auto& pool : parts_->pools) pool->on_budget();
}

void Worker::handle(KeysRefreshed&) {
  for (auto next = parts_->connections.begin(); next != parts_->connections.end();) {
    (next++)->on_keys_refreshed();
  }
}

void Worker::handle(UseCertificates& use) {
  const TlsContexts& contexts = *use.contexts;
  parts_->front.tls = contexts.public_;
  for (std::size_t i = 0; i < parts_->pools.size(); ++i) {
    parts_->pools[i]->use_tls(contexts.backends[i]);
  }
}

// Only a cluster's control sends these.
void Worker::handle(RecordsWritten& written) { parts_->cluster->handle(written); }
void Worker::handle(AdoptOrphans& orphans) {
  // They stay in their list, for a node that stays.
  if (!parts_->is_draining) parts_->cluster->handle(orphans);
}
void Worker::handle(TellRecords& tell) { parts_->cluster->handle(tell); }
void Worker::handle(CutOff&) {
  parts_->hub.for_each([](client::Session& session) { session.cut_off(); });
}
void Worker::handle(LeaseConfirmed& confirmed) { parts_->cluster->handle(confirmed); }
void Worker::handle(BeginNewLife& begin) {
  parts_->cluster->handle(begin);
  answer_new_life();
}

void Worker::answer_new_life() {
  if (control_.post(NewLifeBegun{index_})) return;
  loop_.deadlines().arm(parts_->new_life_answer, kAnswerAgainMs);
}

bool Worker::tell(JournalEntries& entries) {
  ControlMessage message(std::move(entries));
  if (control_.post(std::move(message))) return true;
  // NOLINTNEXTLINE(bugprone-use-after-move): a message that is refused is left as it is
  entries = std::get<JournalEntries>(std::move(message));
  return false;
}

void Worker::handle(BeginDrain& drain) {
  parts_->is_draining = true;
  parts_->front.is_draining = true;
  if (parts_->passthrough) parts_->passthrough->drain();
  parts_->listener->stop();
  std::vector<webhook::ConnectionId> open;
  parts_->hub.for_each([&](client::Session& session) {
    if (session.is_open()) {
      open.push_back(session.facts().id);
    } else {
      session.drain();  // completes its handshake first
    }
  });
  parts_->drain.emplace(std::move(open), loop_.now_ms(), drain.period_ms, parts_->random);
  for (auto next = parts_->connections.begin(); next != parts_->connections.end();) {
    (next++)->drain();
  }
  advance_drain();
}

void Worker::advance_drain() {
  while (const webhook::ConnectionId* id = parts_->drain->take_due(loop_.now_ms())) {
    if (client::Session* session = parts_->hub.find(*id)) session->drain();
  }
  report_when_drained();
  if (!parts_->is_drained) loop_.deadlines().arm(parts_->drain_tick, kDrainTickMs);
}

void Worker::on_deadline(net::Deadline& deadline) {
  if (&deadline == &parts_->new_life_answer) {
    answer_new_life();
  } else {
    advance_drain();
  }
}

void Worker::handle(EndDrain&) {
  parts_->backlog_ends_at_ms = loop_.now_ms() + kLastDisconnectsMs;
  if (parts_->cluster) parts_->cluster->cancel_held();
  parts_->webhooks.cancel_all();
  parts_->hub.for_every([](client::Session& session) { session.kill(); });
  for (auto next = parts_->connections.begin(); next != parts_->connections.end();) {
    (next++)->abort();
  }
}

void Worker::report_when_drained() {
  if (parts_->is_drained || parts_->hub.size() > 0 || !parts_->connections.empty()) return;
  const auto ends_at_ms = parts_->backlog_ends_at_ms;
  if (ends_at_ms && loop_.now_ms() >= *ends_at_ms) parts_->webhooks.end_backlog();
  if (parts_->webhooks.backlog() > 0) return;
  // What is owed is the cluster's from here on: the control must know it before.
  if (parts_->journal && !parts_->journal->flush()) return;
  parts_->is_drained = control_.post(WorkerDrained{index_});
}

void Worker::handle(StopWorker&) {
  for (const auto& pool : parts_->pools) pool->close();
  end_if_pools_closed();
}

void Worker::on_pool_closed(backend::BackendPool&) {
  --parts_->open_pools;
  end_if_pools_closed();
}

// The mailbox keeps the loop alive until here.
void Worker::end_if_pools_closed() {
  if (parts_->open_pools > 0) return;
  parts_->pulse.reset();
  parts_->drain_tick.cancel();
  parts_->new_life_answer.cancel();
  mailbox_.close();
  loop_.close();
}

// ---------------------------------------------------------------------------------------------
// What happens on the loop: one-line forwards between those who do not know each other.

void Worker::on_connection(const net::Incoming& incoming) {
  parts_->front.is_backlog_full =
      parts_->webhooks.backlog() >= webhooks::DisconnectBacklog::kFull ||
      (parts_->journal && parts_->journal->is_full());
  client::PublicConnection& connection = parts_->connections.emplace_back(parts_->front);
  connection.place = std::prev(parts_->connections.end());
  connection.accept(incoming);
}

void Worker::on_stopped() { parts_->listener.reset(); }

void Worker::on_webhook_result(routing::WebhookResult& result) {
  // Absent: the process is going away. A session outlives its own webhooks otherwise.
  if (client::Session* session = parts_->hub.find(result.id)) session->on_webhook_result(result);
}

void Worker::on_public_connection_closed(client::PublicConnection& connection) {
  parts_->connections.erase(connection.place);
}

// The one that has waited longest, as far as that is quickly found: those with a request under way
// are not asked again soon.
void Worker::make_room(client::PublicConnection& newcomer) {
  constexpr int kAsked = 64;
  client::PublicConnection::List& all = parts_->connections;
  for (int asked = 0; asked < kAsked && &all.front() != &newcomer; ++asked) {
    client::PublicConnection& oldest = all.front();
    all.splice(all.end(), all, all.begin());
    if (oldest.give_way()) return;
  }
  newcomer.give_way();
}

}  // namespace sockhook
