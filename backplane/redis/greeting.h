// Greeting: what a link says first on a new connection, all in one write, and what it makes of the
// answers: AUTH, SELECT, CLIENT SETNAME, ROLE, CLUSTER INFO, SCRIPT LOAD, PING, each where it is
// asked for.
//
// Owner: a RedisLink, by value; made anew for each connection.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backplane/redis/resp.h"

namespace sockhook::redis {

// What a link asks of the server that it connects to.
struct LinkSettings {
  std::optional<std::string> user;
  std::optional<std::string> password;
  unsigned database = 0;
  std::string name;  // for CLIENT LIST
  bool must_be_master = false;
  bool must_be_in_cluster = false;  // whose state is ok
  std::vector<std::string> scripts;
};

class Greeting {
 public:
  explicit Greeting(const LinkSettings& settings) : settings_(&settings) {}

  // Appends all commands to `out` and returns how many they are.
  std::size_t write(std::string& out);
  // Takes the answer to the next of them: what is wrong with it, or an empty string.
  std::string on_reply(const Reply& reply);
  bool is_done() const { return answered_ == steps_.size(); }

  // By the settings' index; Redis runs them by these.
  std::vector<std::string>& script_ids() { return script_ids_; }

 private:
  enum class Step : std::uint8_t { kAuth, kSelect, kName, kRole, kCluster, kScript, kPing };

  const LinkSettings* settings_;
  std::vector<Step> steps_;
  std::size_t answered_ = 0;
  std::vector<std::string> script_ids_;
};

}  // namespace sockhook::redis
