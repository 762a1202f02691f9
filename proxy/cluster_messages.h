// The closed messages that cross threads on behalf of the cluster: see messages.h for the others.

#pragma once

#include <memory>
#include <vector>

#include "backplane/cluster.h"
#include "protocol/webhook/connection_id.h"

namespace sockhook {

// ---- control -> worker ----

// Records that were waited for have been written, or the wait is over: their $connects may go.
struct RecordsWritten {
  std::vector<backplane::Ticket> tickets;
};
// Send these connections' $disconnects for a node that died; each is answered by an OrphanDone.
struct AdoptOrphans {
  backplane::NodeInfo owner;
  std::vector<backplane::Record> records;
};
// The backplane may have forgotten: tell the records of all connections again.
struct TellRecords {};
// This node was declared dead: close all connections with 1012 `node lost`, send no $disconnect and
// no other webhook for them; what comes from now on is of a new life. Answer with NewLifeBegun.
struct BeginNewLife {
  std::shared_ptr<const webhook::IdScheme> ids;
};
// `partition: fence`, and the lease has run out: close all connections with 1012 `node lost`. Their
// $disconnects wait for LeaseConfirmed, or end with BeginNewLife.
struct CutOff {};
// The lease was looked at: webhooks that waited for that may go (see LeaseGuard).
struct LeaseConfirmed {};

// ---- worker -> control ----

// What a worker has to tell the cluster, in order; what one loop turn brought travels together.
struct JournalEntries {
  struct NameChange {
    backplane::Name name;
    webhook::ConnectionId id;
    bool is_member;
  };
  struct RecordChange {
    backplane::Record record;      // without data: erase it
    backplane::Ticket ticket = 0;  // not 0: somebody waits for RecordsWritten
  };
  struct OrphanDone {
    webhook::NodeKey owner;
    webhook::ConnectionId id;
  };
  unsigned worker;
  // The worker's life that this was said in: what was said in an earlier one is void.
  webhook::NodeKey life;
  std::vector<NameChange> names;
  std::vector<RecordChange> records;
  std::vector<OrphanDone> orphans;
};
// All connections of the life before are closed, or closing; ids are of the new one.
struct NewLifeBegun {
  unsigned worker;
};

}  // namespace sockhook
