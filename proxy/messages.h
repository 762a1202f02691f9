// The closed messages that cross threads: from the control to a worker, and back.

#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "proxy/cluster_messages.h"
#include "proxy/keys/issuer_keys.h"
#include "proxy/push/push_command.h"

namespace sockhook {

struct TlsContexts;

// ---- control -> worker ----

// Carry out, and answer with a PushReply of the same ticket.
struct PushRequest {
  push::Ticket ticket;
  push::PushCommand command;
};
// Close the public listener, then all connections over `period_ms`; answer with WorkerDrained.
struct BeginDrain {
  uint64_t period_ms;
};
// What still runs is given up.
struct EndDrain {};
// Close everything that is left and end the loop. Only after WorkerDrained.
struct StopWorker {};
// A backend's budget has changed: see BackendBudget.
struct BudgetChanged {};
// For TLS handshakes that begin from now on, with clients and with backends.
struct UseCertificates {
  std::shared_ptr<const TlsContexts> contexts;
};
// A refresh of these keys has ended, well or not: see IssuerKeys::want_fresh. They are the Node's.
struct KeysRefreshed {
  const keys::IssuerKeys* keys;
};

using WorkerMessage = std::variant<PushRequest, BeginDrain, EndDrain, StopWorker, BudgetChanged,
                                   UseCertificates, KeysRefreshed, RecordsWritten, AdoptOrphans,
                                   TellRecords, BeginNewLife, CutOff, LeaseConfirmed>;

// ---- worker -> control ----

struct PushReply {
  unsigned worker;
  push::Ticket ticket;
  push::PushOutcome outcome;
};
// No connection, no webhook and no owed $disconnect is left on this worker.
struct WorkerDrained {
  unsigned worker;
};

// A token names a key that is not among these: see IssuerKeys::want_fresh. They are the Node's.
struct KeysWanted {
  const keys::IssuerKeys* keys;
};

using ControlMessage =
    std::variant<PushReply, WorkerDrained, KeysWanted, JournalEntries, NewLifeBegun>;

}  // namespace sockhook
