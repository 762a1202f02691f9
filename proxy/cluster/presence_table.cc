#include "proxy/cluster/presence_table.h"

#include <set>
#include <string_view>
#include <utility>

#include "protocol/base/check.h"

namespace sockhook::cluster {

using backplane::Name;
using backplane::NameKind;

void PresenceTable::apply(const std::vector<JournalEntries::NameChange>& changes) {
  std::set<std::pair<NameKind, std::string_view>> touched;
  for (const JournalEntries::NameChange& each : changes) {
    if (!(each.id.node_key() == life_)) continue;
    change(each);
    touched.emplace(each.name.kind, each.name.text);
  }
  for (const auto& [kind, text] : touched) tell({kind, std::string(text)});
}

void PresenceTable::change(const JournalEntries::NameChange& change) {
  Names& names = names_of(change.name.kind);
  const bool is_user = change.name.kind == NameKind::kUser;
  if (change.is_member) {
    Members& members = names[change.name.text];
    ++members.count;
    if (is_user) members.connections.push_back(change.id);
    return;
  }
  const auto found = names.find(change.name.text);
  SOCKHOOK_CHECK(found != names.end());  // workers tell of each member once, and in order
  if (is_user) std::erase(found->second.connections, change.id);
  if (--found->second.count == 0) names.erase(found);
}

void PresenceTable::tell(const Name& name) {
  const Names& names = names_of(name.kind);
  const auto found = names.find(name.text);
  if (found == names.end()) {
    backplane_.set_presence(name, 0, {});
  } else {
    backplane_.set_presence(name, found->second.count, found->second.connections);
  }
}

void PresenceTable::tell_all() {
  for (const NameKind kind : {NameKind::kGroup, NameKind::kUser}) {
    for (const auto& [text, members] : names_of(kind)) {
      backplane_.set_presence({kind, text}, members.count, members.connections);
    }
  }
}

void PresenceTable::begin_life(const backplane::NodeKey& life) {
  life_ = life;
  for (Names& names : names_) names.clear();
}

}  // namespace sockhook::cluster
