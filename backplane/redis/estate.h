// Estate: what one dead node has left, and how far this node is with taking it over.
//
// Three things go on side by side: its list is read page by page, the records handed out and those
// that are finished erased; what it said of names is taken back on every shard; when both are done
// its last keys are removed. A step that fails is begun again with the next heartbeat, the list
// from its front: what is open() is not handed out twice.
//
// Memory: less than two pages that wait, and what is unfinished.
//
// Owner: TakeOver. Thread: the loop's.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "backplane/backplane.h"
#include "backplane/redis/keys.h"

namespace sockhook::backplane {

// As Redis tells of a list that this node has taken.
struct Taken {
  NodeInfo owner;
  std::string reason;  // on its tombstone
};

struct Estate {
  // The cursor of HSCAN at the front of a list, and behind its end.
  static constexpr std::string_view kFront = "0";
  enum class Step : std::uint8_t { kToDo, kUnderWay, kDone };

  Estate(const Taken& taken, const Keys& keys)
      : owner(taken.owner),
        node(node_text(owner.key)),
        reason(taken.reason),
        home(keys.home(owner.key)),
        names(keys.shards(), Step::kToDo) {}

  bool is_open(const ConnectionId& id) const { return open.contains(id); }
  bool is_all_done() const;
  void read_again();
  // What was under way got lost with the link, and so has the place in the list.
  void interrupt();

  const NodeInfo owner;
  const std::string node;
  const std::string reason;
  const Shard home;

  Step list = Step::kToDo;
  std::string cursor{kFront};
  std::vector<Record> waiting;                  // read and not handed out
  std::unordered_set<ConnectionId> open;        // read and not known to be erased
  std::unordered_set<ConnectionId> unfinished;  // handed out
  std::vector<std::string> finished;            // to be erased
  std::vector<Step> names;                      // by shard
  Step end = Step::kToDo;
};

}  // namespace sockhook::backplane
