#include "backplane/redis/keys.h"

#include "protocol/base/hex.h"

namespace sockhook::backplane {
namespace {

// FNV-1a, https://www.rfc-editor.org/rfc/rfc9923. Nodes of all versions must agree on it.
std::uint32_t fnv1a(std::string_view text) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16'777'619U;
  return hash;
}

}  // namespace

std::string node_text(const NodeKey& key) { return to_hex(key.bytes); }

std::optional<NodeKey> parse_node(std::string_view text) {
  if (text.size() != kNodeChars) return std::nullopt;
  NodeKey key;
  if (!read_hex(text, key.bytes)) return std::nullopt;
  return key;
}

Shard Keys::home(const NodeKey& node) const { return fnv1a(node_text(node)) % shards_; }

Shard Keys::shard_of(const Name& name) const { return fnv1a(member(name)) % shards_; }

Shard Keys::shard_of(const Digest& claim) const { return claim[0] % shards_; }

std::string Keys::start(Shard shard) const {
  return prefix_ + ':' + redis::RedisClient::tag(shard) + ':';
}

std::string Keys::claim(Shard shard, const Digest& key) const {
  return of(shard, "claim:", to_hex(key));
}

std::string Keys::member(const Name& name) {
  return (name.kind == NameKind::kGroup ? "g:" : "u:") + name.text;
}

std::string Keys::of(Shard shard, std::string_view kind, std::string_view what) const {
  std::string key = start(shard);
  key.append(kind).append(what);
  return key;
}

}  // namespace sockhook::backplane
