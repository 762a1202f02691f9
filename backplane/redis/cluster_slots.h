// What a Redis Cluster says of its slots: which server has which, and where to go instead.
//
// Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "backplane/redis/command.h"
#include "backplane/redis/topology.h"

namespace sockhook::redis {

inline constexpr std::uint16_t kSlots = 16'384;

// Of a key without a hash tag, or of what stands in the tag: CRC16 (XMODEM) modulo kSlots.
std::uint16_t slot_of(std::string_view tag);

// The map of so many shards from the answer to CLUSTER SLOTS; empty if it cannot be read. `asked`:
// who gave it, for servers that do not know their own address.
std::optional<ShardMap> read_slots(const Reply& slots, Shard shards, const conf::HostPort& asked);

// "MOVED 3999 127.0.0.1:6381", "ASK ...": where to go; `asked` stands in for an empty host.
std::optional<conf::HostPort> read_redirection(const Reply& error, const conf::HostPort& asked);

}  // namespace sockhook::redis
