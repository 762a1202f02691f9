// PresenceTable: which groups and users have connections on this node: what its workers tell, added
// up, and told to the backplane, which paces it.
//
// A batch of changes tells each name that it touches once. Nothing is kept for a backplane that is
// away: tell_all() follows when it is back.
//
// Bounded by the connections and their groups. Owner: the ClusterNode. Thread: the control loop's.

#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "backplane/backplane.h"
#include "proxy/cluster_messages.h"

namespace sockhook::cluster {

class PresenceTable {
 public:
  PresenceTable(backplane::Backplane& backplane, const backplane::NodeKey& life)
      : backplane_(backplane), life_(life) {}

  void apply(const std::vector<JournalEntries::NameChange>& changes);
  void tell_all();
  // A new life begins with nobody; connections of the one before do not count any more.
  void begin_life(const backplane::NodeKey& life);

  std::size_t names() const { return names_[0].size() + names_[1].size(); }

 private:
  struct Members {
    std::size_t count = 0;
    std::vector<backplane::ConnectionId> connections;  // of a user
  };
  using Names = std::unordered_map<std::string, Members>;

  Names& names_of(backplane::NameKind kind) { return names_[static_cast<std::size_t>(kind)]; }
  void change(const JournalEntries::NameChange& change);
  void tell(const backplane::Name& name);

  backplane::Backplane& backplane_;
  backplane::NodeKey life_;
  std::array<Names, 2> names_;  // by NameKind
};

}  // namespace sockhook::cluster
