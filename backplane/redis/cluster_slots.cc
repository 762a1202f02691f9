#include "backplane/redis/cluster_slots.h"

#include <charconv>
#include <string>

namespace sockhook::redis {
namespace {

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || port == 0) return {};
  return port;
}

// [address or nil, port, ...]
std::optional<conf::HostPort> read_node(const Reply& node, const conf::HostPort& asked) {
  const std::string* const host = node.at(0).string();
  const std::int64_t* const port = node.at(1).integer();
  if (port == nullptr || *port <= 0 || *port > UINT16_MAX) return {};
  const bool is_named = host != nullptr && !host->empty() && *host != "?";
  return conf::HostPort{is_named ? *host : asked.host, static_cast<std::uint16_t>(*port)};
}

}  // namespace

std::uint16_t slot_of(std::string_view tag) {
  unsigned crc = 0;
  for (const char c : tag) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    }
    crc &= 0xffffU;
  }
  return static_cast<std::uint16_t>(crc % kSlots);
}

std::optional<ShardMap> read_slots(const Reply& slots, Shard shards, const conf::HostPort& asked) {
  if (slots.array() == nullptr) return std::nullopt;
  ShardMap map(shards);
  for (const Reply& range : *slots.array()) {
    const std::int64_t* const first = range.at(0).integer();
    const std::int64_t* const last = range.at(1).integer();
    const std::optional<conf::HostPort> master = read_node(range.at(2), asked);
    if (first == nullptr || last == nullptr || !master) return std::nullopt;
    for (Shard shard = 0; shard < shards; ++shard) {
      const std::int64_t slot = slot_of(std::to_string(shard));
      if (slot >= *first && slot <= *last) map[shard] = master;
    }
  }
  return map;
}

std::optional<conf::HostPort> read_redirection(const Reply& error, const conf::HostPort& asked) {
  const std::string_view text = error.error();
  const std::size_t space = text.rfind(' ');
  const std::size_t colon = text.rfind(':');
  if (space == text.npos || colon == text.npos || colon < space) return std::nullopt;
  const std::string_view host = text.substr(space + 1, colon - space - 1);
  const std::optional<std::uint16_t> port = read_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  return conf::HostPort{host.empty() ? asked.host : std::string(host), *port};
}

}  // namespace sockhook::redis
