// NodeNames: what nodes are called (node.id), also those that have just gone: answers name the
// nodes that were not reached.
//
// Bounded: kMax names; when they are all taken, those of nodes that have gone are forgotten.
// Owner: the ClusterRouter. Thread: the control loop's.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "backplane/cluster.h"

namespace sockhook::cluster {

using backplane::NodeInfo;
using backplane::NodeKey;

// The order of listings.
struct NodeKeyLess {
  bool operator()(const NodeKey& a, const NodeKey& b) const { return a.bytes < b.bytes; }
};

class NodeNames {
 public:
  static constexpr std::size_t kMax = 4096;

  // `others`: all that are alive now.
  void learn(const std::vector<NodeInfo>& others);
  // A node that nobody has named goes by its key.
  std::string name_of(const NodeKey& key) const;

 private:
  std::map<NodeKey, std::string, NodeKeyLess> names_;
};

}  // namespace sockhook::cluster
