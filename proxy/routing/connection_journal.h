// ConnectionJournal: what a worker tells of its connections so that the cluster knows them, and so
// that a $disconnect is sent even when this node dies (contract 7, 8).
//
// The client side reports names and changes, the webhook side what became of a $disconnect; the
// implementation tells the control thread, in batches, in order. Without a cluster nobody listens:
// the pointer to it is null.
//
// Thread: the worker's. No call calls back, but for record()'s listener, later, from the loop.

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
  // Its user or state is another now: its record is written again within 1 s.
  virtual void changed(const FactsPtr& facts) = 0;
  // Its $disconnect has to wait: its record tells from now on how it really ended.
  virtual void owed(const WebhookJob& disconnect) = 0;
  // Nothing is owed any more: its $disconnect has arrived or was given up, or it was refused.
  virtual void settled(const webhook::ConnectionId& id) = 0;

 protected:
  ~ConnectionJournal() = default;
};

}  // namespace sockhook::routing
