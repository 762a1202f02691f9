// RedisSentinels: a master with a replica and three sentinels that watch them, all real.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/redis_process.h"

namespace sockhook::testing {

class RedisSentinels {
 public:
  static constexpr const char* kMaster = "hook";

  // `lines`: of the servers' redis.conf; `watch`: of the sentinels' conf.
  explicit RedisSentinels(const RedisBrand& brand, const std::vector<std::string>& lines = {},
                          const std::vector<std::string>& watch = {}) {
    servers.push_back(std::make_unique<RedisProcess>(brand, lines));
    std::vector<std::string> replica = lines;
    replica.push_back("replicaof 127.0.0.1 " + port(0));
    servers.push_back(std::make_unique<RedisProcess>(brand, replica));
    const std::string name = kMaster;
    std::vector<std::string> conf = {"sentinel monitor " + name + " 127.0.0.1 " + port(0) + " 2",
                                     "sentinel down-after-milliseconds " + name + " 500",
                                     "sentinel failover-timeout " + name + " 2000"};
    conf.insert(conf.end(), watch.begin(), watch.end());
    for (int i = 0; i < 3; ++i) {
      sentinels.push_back(
          std::make_unique<RedisProcess>(brand, conf, RedisProcess::Role::kSentinel));
    }
  }

  // Until each sentinel knows the others and the replica, so that a failover can succeed.
  bool wait_ready() {
    return wait_until([&] {
      return std::all_of(sentinels.begin(), sentinels.end(), [](const auto& sentinel) {
        const std::string info = sentinel->text({"INFO", "sentinel"});
        return info.find("status=ok") != info.npos && info.find("slaves=1") != info.npos &&
               info.find("sentinels=3") != info.npos;
      });
    });
  }

  std::vector<std::unique_ptr<RedisProcess>> servers;  // the first master stands first
  std::vector<std::unique_ptr<RedisProcess>> sentinels;

 private:
  std::string port(std::size_t server) const { return std::to_string(servers[server]->port()); }
};

}  // namespace sockhook::testing
