#include "proxy/cluster/known_nodes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "backplane/backplane.h"
#include "proxy/cluster/list_cursor.h"

namespace sockhook::cluster {

std::vector<NodeKey> KnownNodes::update(const std::vector<NodeInfo>& others) {
  if (names_.size() + others.size() > kMaxNames) names_.clear();
  const Keys before = std::exchange(alive_, {});
  for (const NodeInfo& node : others) {
    alive_.insert(node.key);
    learn_name(node);
  }
  const std::uint64_t now_ms = loop_.now_ms();
  std::erase_if(joined_, [&](const auto& joined) {
    return joined.second <= now_ms || alive_.contains(joined.first);
  });
  std::vector<NodeKey> gone;
  std::set_difference(before.begin(), before.end(), alive_.begin(), alive_.end(),
                      std::back_inserter(gone), NodeKeyLess());
  std::erase_if(missing_, [&](const auto& missing) {
    return missing.second <= now_ms || alive_.contains(missing.first);
  });
  for (const NodeKey& node : gone) missing_[node] = now_ms + heartbeat_ms_ + kLateMs;
  return gone;
}

void KnownNodes::add_joined(const NodeInfo& node) {
  if (names_.size() >= kMaxNames) return;
  std::vector<NodeKey> former;
  for (const auto& [key, name] : names_) {
    if (name == node.name && !(key == node.key)) former.push_back(key);
  }
  for (const NodeKey& key : former) remove_left(key);
  learn_name(node);
  if (!alive_.contains(node.key)) joined_[node.key] = loop_.now_ms() + kJoinedMs;
}

void KnownNodes::remove_left(const NodeKey& node) {
  alive_.erase(node);
  joined_.erase(node);
  missing_.erase(node);
  doubtful_.erase(node);
}

void KnownNodes::on_link_down() {
  if (doubtful().empty()) doubtful_.clear();  // of an earlier time
  for (const NodeKey& node : others()) doubtful_.insert(node);
  doubt_until_ms_ = UINT64_MAX;
}

void KnownNodes::on_link_up() {
  if (!doubtful_.empty()) doubt_until_ms_ = loop_.now_ms() + kDoubtMs;
}

void KnownNodes::on_data_lost() {
  if (doubtful().empty()) doubtful_.clear();  // of an earlier time
  for (const NodeKey& node : others()) doubtful_.insert(node);
  const std::uint64_t until_ms = loop_.now_ms() + heartbeat_ms_ + backplane::Backplane::kRetoldMs;
  doubt_until_ms_ = std::max(doubt_until_ms_, until_ms);
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

bool KnownNodes::may_be_alive(const NodeKey& node) const {
  if (alive_.contains(node) || joined_.contains(node)) return true;
  const auto missing = missing_.find(node);
  if (missing != missing_.end() && loop_.now_ms() < missing->second) return true;
  return doubtful_.contains(node) && loop_.now_ms() < doubt_until_ms_;
}

std::string KnownNodes::name_of(const NodeKey& key) const {
  const auto found = names_.find(key);
  return found != names_.end() ? found->second : to_hex(key.bytes);
}

}  // namespace sockhook::cluster
