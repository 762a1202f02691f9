#include "proxy/cluster/known_nodes.h"

#include "proxy/cluster/list_cursor.h"

namespace sockhook::cluster {

void KnownNodes::update(const std::vector<NodeInfo>& others) {
  if (names_.size() + others.size() > kMaxNames) names_.clear();
  alive_.clear();
  for (const NodeInfo& node : others) {
    alive_.insert(node.key);
    learn_name(node);
  }
  const std::uint64_t now_ms = loop_.now_ms();
  std::erase_if(joined_, [&](const auto& joined) {
    return joined.second <= now_ms || alive_.contains(joined.first);
  });
}

void KnownNodes::add_joined(const NodeInfo& node) {
  if (names_.size() >= kMaxNames) return;
  learn_name(node);
  if (!alive_.contains(node.key)) joined_[node.key] = loop_.now_ms() + kJoinedMs;
}

void KnownNodes::on_link_down() {
  if (doubtful().empty()) doubtful_.clear();  // of an earlier time
  for (const NodeKey& node : others()) doubtful_.insert(node);
  doubt_until_ms_ = UINT64_MAX;
}

void KnownNodes::on_link_up() {
  if (!doubtful_.empty()) doubt_until_ms_ = loop_.now_ms() + kDoubtMs;
}

std::vector<NodeKey> KnownNodes::others() const {
  Keys all = alive_;
  for (const auto& [node, until_ms] : joined_) all.insert(node);
  for (const NodeKey& node : doubtful()) all.insert(node);
  return {all.begin(), all.end()};
}

std::vector<NodeKey> KnownNodes::doubtful() const {
  if (loop_.now_ms() >= doubt_until_ms_) return {};
  return {doubtful_.begin(), doubtful_.end()};
}

std::string KnownNodes::name_of(const NodeKey& key) const {
  const auto found = names_.find(key);
  return found != names_.end() ? found->second : to_hex(key);
}

}  // namespace sockhook::cluster
