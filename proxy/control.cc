#include "proxy/control.h"

#include <unistd.h>

#include <utility>

#include "proxy/observe/log.h"
#include "proxy/observe/metrics_text.h"

namespace sockhook {

using observe::Level;
using observe::LogLine;

namespace {

// The admin listener only reads: its requests need no body.
constexpr std::size_t kAdminBodyBytes = 1024;
constexpr unsigned kLastWordsMs = 50;

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
      backplane_(loop_),
      management_(*node.config, router_, backplane_, node.metrics.control),
      workers_left_(node.workers) {}

Control::~Control() = default;

void Control::run(net::ListenSocket management, net::ListenSocket admin) {
  management_listener_.emplace(loop_, std::move(management), management_,
                               node_.config->listen.management.body_size,
                               static_cast<management::ApiListenerOwner*>(this));
  admin_listener_.emplace(loop_, std::move(admin), admin_, kAdminBodyBytes,
                          static_cast<management::ApiListenerOwner*>(this));
  pulse_.emplace(loop_, node_.metrics.control.loop_lag_us, node_.metrics.control.pulse_at_ms);
  watch_memory();
  loop_.run();
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
    LogLine(Level::kWarn, "reload is not served by this version: restart to change the config");
    return;
  }
  if (phase_ != Phase::kServing) {
    LogLine(Level::kWarn, "second signal: stopping at once");
    // The workers still run, so the log is not taken from them: its thread gets time to write.
    uv_sleep(kLastWordsMs);
    ::_exit(0);
  }
  const conf::Drain& drain = node_.config->drain;
  LogLine(Level::kInfo, "draining")
      .field("delay_ms", int64_t{drain.delay.count()})
      .field("period_ms", int64_t{drain.period.count()});
  node_.is_draining = true;
  phase_ = Phase::kDelaying;
  loop_.deadlines().arm(drain_deadline_, static_cast<uint64_t>(drain.delay.count()));
}

void Control::on_deadline(net::Deadline& deadline) {
  if (&deadline == &memory_deadline_) {
    watch_memory();
  } else {
    advance_drain();
  }
}

void Control::advance_drain() {
  const auto period_ms = static_cast<uint64_t>(node_.config->drain.period.count());
  switch (phase_) {
    case Phase::kDelaying:
      phase_ = Phase::kDraining;
      tell_workers([&] { return BeginDrain{period_ms}; });
      loop_.deadlines().arm(drain_deadline_, period_ms + kDrainGraceMs);
      break;
    case Phase::kDraining:
      phase_ = Phase::kEnding;
      LogLine(Level::kWarn, "drain took too long: giving up what is left");
      tell_workers([] { return EndDrain{}; });
      break;
    case Phase::kServing:
    case Phase::kEnding:
    case Phase::kStopped:
      break;
  }
}

void Control::handle(WorkerDrained&) {
  if (--workers_left_ == 0) stop();
}

// Only a cluster has workers tell these.
void Control::handle(JournalEntries&) {}
void Control::handle(NewLifeBegun&) {}

void Control::watch_memory() {
  const auto used = memory_.used_percent();
  node_.is_short_of_memory = used && *used > node_.config->ready.memory.value;
  loop_.deadlines().arm(memory_deadline_, MemoryWatch::kIntervalMs);
}

// All workers have drained: management and admin have served to the end.
void Control::stop() {
  LogLine(Level::kInfo, "drained");
  phase_ = Phase::kStopped;
  drain_deadline_.cancel();
  management_listener_->stop();
  admin_listener_->stop();
}

void Control::on_listener_stopped(management::ApiListener& listener) {
  if (management_listener_ && &listener == &*management_listener_) {
    management_listener_.reset();
  } else {
    admin_listener_.reset();
  }
  if (!management_listener_ && !admin_listener_) end();
}

void Control::end() {
  tell_workers([] { return StopWorker{}; });
  pulse_.reset();
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
  readiness.is_ready = !node_.is_draining && !node_.is_short_of_memory;
  return readiness;
}

std::string Control::metrics_text() const { return observe::metrics_text(node_.metrics, {}); }

}  // namespace sockhook
