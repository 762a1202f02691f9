#include "backplane/memory_cluster.h"

#include <algorithm>

#include "backplane/memory_backplane.h"

namespace sockhook::backplane {

MemoryCluster::MemoryCluster(net::Loop& loop, bool is_shared, MemoryClaims::MonotonicMs clock)
    : loop_(loop), is_shared_(is_shared), claims_(std::move(clock)) {}

// ---- events

void MemoryCluster::post(MemoryBackplane& receiver, Event event) {
  posted_.push_back({&receiver, std::move(event)});
  loop_.soon().arm(soon_);
}

void MemoryCluster::discard_events(const MemoryBackplane& receiver) {
  for (Posted& posted : posted_) {
    if (posted.receiver == &receiver) posted.receiver = nullptr;
  }
}

// A receiver may leave, and be destroyed, from inside any event.
void MemoryCluster::on_soon(net::Soon&) {
  const std::size_t due = posted_.size();
  for (std::size_t i = 0; i < due; ++i) {
    const Posted posted = std::move(posted_[i]);
    if (posted.receiver != nullptr) posted.event(*posted.receiver->listener_);
  }
  posted_.erase(posted_.begin(), posted_.begin() + static_cast<std::ptrdiff_t>(due));
}

// ---- who is there

MemoryCluster::Node* MemoryCluster::find(const NodeKey& key) {
  const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                  [&](const Node& node) { return node.info.key == key; });
  return found != nodes_.end() ? &*found : nullptr;
}

void MemoryCluster::join(const NodeInfo& info, MemoryBackplane& backplane) {
  const auto older = std::find_if(nodes_.begin(), nodes_.end(),
                                  [&](const Node& node) { return node.info.name == info.name; });
  const std::optional<NodeKey> replaced =
      older != nodes_.end() ? std::optional(older->info.key) : std::nullopt;
  nodes_.push_back({info, &backplane, {}, {}});
  if (replaced) fence(*replaced, FenceReason::kReplaced);
  tell_others();
  post(backplane, [](BackplaneListener& listener) { listener.on_up(); });
  appoint_takers();
}

void MemoryCluster::remove(const NodeKey& key) {
  Node* const node = find(key);
  if (node == nullptr) return;
  Estate estate{node->info, key, {}, {}};
  for (auto& [id, data] : node->records) estate.waiting.push_back({id, std::move(data)});
  nodes_.erase(nodes_.begin() + (node - nodes_.data()));
  if (!estate.waiting.empty()) estates_.push_back(std::move(estate));
  tell_others();
  appoint_takers();
}

void MemoryCluster::fence(const NodeKey& key, FenceReason reason) {
  const Node* const node = find(key);
  if (node == nullptr) return;
  MemoryBackplane& backplane = *node->backplane;
  remove(key);
  post(backplane, [reason](BackplaneListener& listener) { listener.on_fenced(reason); });
}

void MemoryCluster::tell_others() {
  for (const Node& node : nodes_) {
    std::vector<NodeInfo>& others = node.backplane->others_;
    others.clear();
    for (const Node& other : nodes_) {
      if (&other != &node) others.push_back(other.info);
    }
  }
}

// ---- records of the dead

// Whose taker is no more gets another; what that one had not finished begins again.
void MemoryCluster::appoint_takers() {
  const auto taker = std::find_if(nodes_.rbegin(), nodes_.rend(),
                                  [](const Node& node) { return !node.backplane->is_retired_; });
  if (taker == nodes_.rend()) return;
  for (Estate& estate : estates_) {
    if (find(estate.taker) != nullptr) continue;
    estate.taker = taker->info.key;
    for (auto& [id, data] : std::exchange(estate.unfinished, {})) {
      estate.waiting.push_back({id, std::move(data)});
    }
    hand_out(estate);
  }
}

void MemoryCluster::hand_out(Estate& estate) {
  if (estate.unfinished.size() > Backplane::kOrphanPage / 2) return;
  const std::size_t size = std::min(estate.waiting.size(), Backplane::kOrphanPage);
  if (size == 0) return;
  std::vector<Record> page(estate.waiting.end() - static_cast<std::ptrdiff_t>(size),
                           estate.waiting.end());
  estate.waiting.resize(estate.waiting.size() - size);
  for (const Record& record : page) estate.unfinished.emplace(record.id, record.data);
  post(*find(estate.taker)->backplane,
       [owner = estate.owner, page = std::move(page)](BackplaneListener& listener) {
         listener.on_orphans(owner, page);
       });
}

void MemoryCluster::finish_orphan(const NodeKey& owner, const ConnectionId& id) {
  const auto estate = std::find_if(estates_.begin(), estates_.end(), [&](const Estate& candidate) {
    return candidate.owner.key == owner;
  });
  if (estate == estates_.end() || estate->unfinished.erase(id) == 0) return;
  if (estate->unfinished.empty() && estate->waiting.empty()) {
    estates_.erase(estate);
  } else {
    hand_out(*estate);
  }
}

}  // namespace sockhook::backplane
