// MemoryCluster: nodes that share this process' memory: what the contract of backplane.h means,
// without a network. A program has one node; tests have several on one loop.
//
// Nothing is lost here and nobody dies unless declare_dead() says so. A cluster made for a single
// node (is_shared false) keeps no names and records: there would be nobody to ask for them.
//
// Owner: whoever owns the MemoryBackplanes, which it outlives. Thread: the loop's. Events are
// posted: they come from the loop, in order.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backplane/backplane.h"
#include "backplane/memory_claims.h"
#include "proxy/net/loop.h"
#include "proxy/net/soon.h"

namespace sockhook::backplane {

class MemoryBackplane;

class MemoryCluster final : private net::SoonListener {
 public:
  explicit MemoryCluster(net::Loop& loop, bool is_shared = true,
                         MemoryClaims::MonotonicMs clock = MemoryClaims::steady_ms);
  MemoryCluster(const MemoryCluster&) = delete;
  MemoryCluster& operator=(const MemoryCluster&) = delete;

  // As if its lease had run out: it is fenced, a survivor takes over.
  void declare_dead(const NodeKey& node) { fence(node, FenceReason::kLost); }

 private:
  friend class MemoryBackplane;

  // Names are ordered by kind and text.
  using NameKey = std::pair<NameKind, std::string>;
  struct Node {
    NodeInfo info;
    MemoryBackplane* backplane;
    std::map<NameKey, Presence> names;
    std::unordered_map<ConnectionId, std::string> records;
  };
  // What a dead node left, until a survivor has finished it.
  struct Estate {
    NodeInfo owner;
    NodeKey taker;
    std::vector<Record> waiting;
    std::unordered_map<ConnectionId, std::string> unfinished;
  };
  using Event = std::function<void(BackplaneListener&)>;
  struct Posted {
    MemoryBackplane* receiver;
    Event event;
  };

  static NameKey key_of(const Name& name) { return {name.kind, name.text}; }
  Node* find(const NodeKey& key);
  void post(MemoryBackplane& receiver, Event event);
  void discard_events(const MemoryBackplane& receiver);

  void join(const NodeInfo& info, MemoryBackplane& backplane);
  // Its records are for the others to take over.
  void remove(const NodeKey& key);
  void fence(const NodeKey& key, FenceReason reason);
  void appoint_takers();
  void hand_out(Estate& estate);
  void finish_orphan(const NodeKey& owner, const ConnectionId& id);
  void tell_others();

  void on_soon(net::Soon& soon) override;

  net::Loop& loop_;
  const bool is_shared_;
  std::vector<Node> nodes_;
  std::vector<Estate> estates_;
  std::vector<Posted> posted_;
  MemoryClaims claims_;
  net::Soon soon_{this};
};

}  // namespace sockhook::backplane
