#include "backplane/redis/keys.h"

namespace sockhook::backplane {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// FNV-1a, https://www.rfc-editor.org/rfc/rfc9923. Nodes of all versions must agree on it.
std::uint32_t fnv1a(std::string_view text) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16'777'619U;
  return hash;
}

std::optional<std::uint8_t> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

}  // namespace

std::string hex_text(const std::uint8_t* bytes, std::size_t size) {
  std::string text;
  text.reserve(2 * size);
  for (std::size_t i = 0; i < size; ++i) {
    text.push_back(kHex[bytes[i] >> 4U]);
    text.push_back(kHex[bytes[i] & 15U]);
  }
  return text;
}

std::string node_text(const NodeKey& key) { return hex_text(key.bytes.data(), key.bytes.size()); }

std::optional<NodeKey> parse_node(std::string_view text) {
  if (text.size() != kNodeChars) return std::nullopt;
  NodeKey key;
  for (std::size_t i = 0; i < key.bytes.size(); ++i) {
    const auto high = hex_value(text[2 * i]);
    const auto low = hex_value(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    key.bytes[i] = static_cast<std::uint8_t>(*high << 4U | *low);
  }
  return key;
}

Shard Keys::home(const NodeKey& node) const { return fnv1a(node_text(node)) % shards_; }

Shard Keys::shard_of(const Name& name) const { return fnv1a(member(name)) % shards_; }

Shard Keys::shard_of(const Digest& claim) const { return claim[0] % shards_; }

std::string Keys::start(Shard shard) const {
  return prefix_ + ':' + redis::RedisClient::tag(shard) + ':';
}

std::string Keys::claim(Shard shard, const Digest& key) const {
  return of(shard, "claim:", hex_text(key.data(), key.size()));
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
