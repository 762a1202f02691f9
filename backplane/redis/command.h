// Command: one command under way, and whoever waits for its answer.

#pragma once

#include <cstdint>
#include <string>

#include "backplane/redis/resp.h"

namespace sockhook::redis {

using Shard = std::uint32_t;
// The caller's own number for a command.
using Ticket = std::uint64_t;

enum class Fate : std::uint8_t { kAnswered, kNotSent, kUnknown };

// Told how a command went. Must outlive its commands.
class CommandListener {
 public:
  // `reply` is valid during the call. With kNotSent and kUnknown it is an error that says why.
  virtual void on_reply(Ticket ticket, Fate fate, const Reply& reply) = 0;

 protected:
  ~CommandListener() = default;
};

struct Command {
  Shard shard = 0;
  std::uint64_t number = 0;  // among those of the shard
  Ticket ticket = 0;
  CommandListener* listener = nullptr;  // null: nobody waits
  std::string encoded;                  // kept in a Cluster, where it may have to be said again
  bool is_detour = false;               // said again, behind ASKING
  bool is_repeated = false;
};

}  // namespace sockhook::redis
