#include "backplane/redis/neighbours.h"

#include <utility>

namespace sockhook::backplane {

NodeInfo node_info(const NodeKey& key, std::string name) {
  return {key, name.empty() ? node_text(key) : std::move(name)};
}

void Neighbours::note(const redis::Reply& alive) {
  std::map<Key, std::string> names;
  std::vector<std::string> unknown;
  scope_.alive.clear();
  const std::size_t size = alive.array() != nullptr ? alive.array()->size() : 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string* const text = alive.at(i).string();
    const auto key = text != nullptr ? parse_node(*text) : std::nullopt;
    if (!key || *key == scope_.self.key) continue;
    scope_.alive.insert(key->bytes);
    const auto known = names_.find(key->bytes);
    if (known != names_.end()) {
      names.insert(*known);
    } else {
      unknown.push_back(*text);
    }
  }
  names_ = std::move(names);
  list_others();
  if (unknown.empty()) {
    become_known();
  } else {
    ask_names(std::move(unknown));
  }
}

void Neighbours::ask_names(std::vector<std::string> nodes) {
  asked_ = std::move(nodes);
  const Shard home = scope_.keys.home(scope_.self.key);
  const std::string key = scope_.keys.names(home);
  std::vector<std::string_view> command{"HMGET", key};
  command.insert(command.end(), asked_.begin(), asked_.end());
  scope_.client.command(home, command, ++last_command_, this);
}

void Neighbours::on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) {
  const redis::Reply::Array* const answers = reply.array();
  if (command != last_command_ || fate != redis::Fate::kAnswered || answers == nullptr) return;
  const std::vector<std::string> asked = std::exchange(asked_, {});
  if (asked.empty() || answers->size() != asked.size()) return;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const NodeKey key = *parse_node(asked[i]);
    const std::string* const name = reply.at(i).string();
    names_.insert_or_assign(key.bytes, name != nullptr ? *name : asked[i]);
  }
  list_others();
  become_known();
}

void Neighbours::list_others() {
  others_.clear();
  for (const auto& [key, name] : names_) others_.push_back({NodeKey{key}, name});
}

void Neighbours::become_known() {
  are_known_ = true;
  owner_->on_named();
}

}  // namespace sockhook::backplane
