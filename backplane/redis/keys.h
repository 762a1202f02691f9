// Keys: the names of what the backplane keeps in Redis, and where (docs/redis.md lists them).
//
// All begin with "PREFIX:{k}:", k being the shard, so that one script's keys share a slot. A node
// is 12 hex digits of its NodeKey, a node in one of its lives.
//
// A value; any thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "backplane/claim.h"
#include "backplane/cluster.h"
#include "backplane/redis/redis_client.h"

namespace sockhook::backplane {

using redis::Shard;

inline constexpr std::size_t kNodeChars = 12;

std::string node_text(const NodeKey& key);
// nullopt: not kNodeChars lower-case hex digits.
std::optional<NodeKey> parse_node(std::string_view text);

class Keys {
 public:
  Keys(std::string prefix, Shard shards) : prefix_(std::move(prefix)), shards_(shards) {}

  Shard shards() const { return shards_; }

  // Where things live: the same for every node, version and machine.
  Shard home(const NodeKey& node) const;
  Shard shard_of(const Name& name) const;
  Shard shard_of(const Digest& claim) const;
  // Of the node.id entries.
  static constexpr Shard kIdShard = 0;

  // "PREFIX:{k}:", what all keys and channels of a shard begin with.
  std::string start(Shard shard) const;

  std::string up(Shard shard) const { return start(shard) + "up"; }
  std::string names(Shard shard) const { return start(shard) + "names"; }
  std::string leases(Shard shard) const { return start(shard) + "leases"; }
  std::string takers(Shard shard) const { return start(shard) + "takers"; }
  std::string dead(Shard shard, std::string_view node) const { return of(shard, "dead:", node); }
  std::string id(std::string_view name) const { return of(kIdShard, "id:", name); }
  std::string members(Shard shard, std::string_view node) const { return of(shard, "m:", node); }
  std::string records(Shard shard, std::string_view node) const { return of(shard, "c:", node); }
  std::string numbers(Shard shard, std::string_view node) const { return of(shard, "seq:", node); }
  std::string claim(Shard shard, const Digest& key) const;
  // "g:NAME" or "u:NAME": the key without its start, and a member of members().
  static std::string member(const Name& name);
  std::string name(Shard shard, const Name& name) const { return start(shard) + member(name); }
  // Without the node: the start of all channels of a shard.
  std::string channels(Shard shard) const { return start(shard) + "to:"; }
  std::string channel(Shard shard, std::string_view node) const { return of(shard, "to:", node); }

 private:
  std::string of(Shard shard, std::string_view kind, std::string_view what) const;

  std::string prefix_;
  Shard shards_;
};

}  // namespace sockhook::backplane
