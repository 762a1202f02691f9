#include "proxy/cluster/node_names.h"

#include "proxy/cluster/list_cursor.h"

namespace sockhook::cluster {

void NodeNames::learn(const std::vector<NodeInfo>& others) {
  if (names_.size() + others.size() > kMax) names_.clear();
  for (const NodeInfo& node : others) names_.insert_or_assign(node.key, node.name);
}

std::string NodeNames::name_of(const NodeKey& key) const {
  const auto found = names_.find(key);
  return found != names_.end() ? found->second : to_hex(key);
}

}  // namespace sockhook::cluster
