// NodeScope: what the parts of the Redis backplane have in common: the link, the names of keys,
// who this node is, and whom to tell.
//
// Owner: the RedisBackplane, which outlives its parts. Thread: the loop's.

#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <set>

#include "backplane/backplane.h"
#include "backplane/redis/keys.h"
#include "backplane/redis/redis_client.h"
#include "backplane/redis/scripts.h"
#include "proxy/net/loop.h"

namespace sockhook::backplane {

class NodeScopeOwner {
 public:
  // A script said that this node is declared dead. Once per life has an effect.
  virtual void on_fenced(FenceReason reason) = 0;
  // Redis does not have what was written: all names and records have to be told again.
  virtual void on_data_lost() = 0;
  // Redis does not know this node: it has to register again, which will tell the same.
  virtual void on_forgotten() = 0;

 protected:
  ~NodeScopeOwner() = default;
};

struct NodeScope {
  net::Loop& loop;
  redis::RedisClient& client;
  NodeScopeOwner* const owner;
  const Keys keys;
  const std::uint64_t heartbeat_ms;
  const std::uint64_t lease_ms;
  // How long a dead node's list waits for a survivor: the longest disconnect_retry, and a lease.
  const std::uint64_t record_ms;

  NodeInfo self{};
  std::string node{};                     // self.key as text
  BackplaneListener* listener = nullptr;  // set by start()
  // The others that are alive, as of the last heartbeat.
  std::set<std::array<std::uint8_t, 6>> alive{};
  std::minstd_rand random{std::random_device{}()};

  // Evenly in [low, high]: what many nodes would do at once is spread.
  std::uint64_t jitter(std::uint64_t low, std::uint64_t high) {
    return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
  }

  void run(Shard shard, Script script, redis::Arguments script_keys, redis::Arguments arguments,
           redis::Ticket ticket, redis::CommandListener* asker) {
    client.run_script(shard, static_cast<std::size_t>(script), script_keys, arguments, ticket,
                      asker);
  }
};

// True if the reply is FENCED, which it has passed on then.
bool pass_on_fence(NodeScope& scope, const redis::Reply& reply);
// Passes on that the reply is FORGOTTEN; to whoever asked it is like any error.
void pass_on_forgotten(NodeScope& scope, const redis::Reply& reply);

}  // namespace sockhook::backplane
