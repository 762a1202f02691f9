// ConnectionJournal: what a worker tells of its connections so that the cluster knows them, and so
// that a $disconnect is sent even when this node dies (contract 7, 8).
//
// The client side reports names and changes, the webhook side what became of a $disconnect; the
// implementation tells the control thread, in batches, in order. Without a cluster nobody listens:
// the pointer to it is null.
//
// A connection has a record from before its $connect until its $disconnect has arrived; where the
// endpoint has no route for $disconnect it has none, and what is said of it here is ignored.
//
// Thread: the worker's. No call calls back.

#pragma once

#include <cstdint>
#include <string_view>

#include "backplane/cluster.h"
#include "proxy/routing/connection_facts.h"
#include "proxy/routing/webhook_job.h"

namespace sockhook::routing {

class ConnectionJournal {
 public:
  // The connection goes by that name from now on, or no longer.
  virtual void named(backplane::NameKind kind, std::string_view name,
                     const webhook::ConnectionId& id, bool is_member) = 0;
  // It has been accepted: what $connect has set is written at once.
  virtual void opened(const FactsPtr& facts) = 0;
  // Its user or state is another now: its record is written again within 1 s.
  virtual void changed(const FactsPtr& facts) = 0;
  // Its $disconnect has to wait: its record tells from now on how it really ended. Of a dead node's
  // connection the record is left as it is.
  virtual void owed(const WebhookJob& disconnect) = 0;
  // Nothing is owed any more: its $disconnect has arrived or was given up, or it was refused. It
  // may be the connection of a dead node, whose $disconnect is sent from here.
  virtual void settled(const webhook::ConnectionId& id) = 0;

 protected:
  ~ConnectionJournal() = default;
};

}  // namespace sockhook::routing
