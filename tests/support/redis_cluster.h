// RedisCluster: three masters that share the slots, each with a replica if asked for; all real.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/redis_process.h"

namespace sockhook::testing {

class RedisCluster {
 public:
  static constexpr unsigned kMasters = 3;
  static constexpr unsigned kSlots = 16'384;

  explicit RedisCluster(const RedisBrand& brand, bool has_replicas = false,
                        std::vector<std::string> lines = {}) {
    lines.insert(lines.end(), {"cluster-enabled yes", "cluster-node-timeout 1000",
                               "cluster-replica-validity-factor 0", "repl-ping-replica-period 1"});
    for (unsigned i = 0; i < (has_replicas ? 2 : 1) * kMasters; ++i) {
      std::vector<std::string> conf = lines;
      conf.push_back("cluster-port " + std::to_string(free_port()));
      nodes.push_back(std::make_unique<RedisProcess>(brand, conf));
      ids.push_back(nodes.back()->text({"CLUSTER", "MYID"}));
    }
    join();
    for (unsigned i = 0; i < kMasters; ++i) {
      nodes[i]->run({"CLUSTER", "ADDSLOTSRANGE", std::to_string(i * kSlots / kMasters),
                     std::to_string((i + 1) * kSlots / kMasters - 1)});
    }
    for (unsigned i = kMasters; i < nodes.size(); ++i) {
      wait_until([&] {
        return nodes[i]->text({"CLUSTER", "REPLICATE", ids[i - kMasters]}) == "OK";
      });
    }
  }

  // Until each node has a good view of all the others.
  bool wait_ready() {
    return wait_until([&] {
      return std::all_of(nodes.begin(), nodes.end(),
                         [&](const auto& node) {
                           const std::string info = node->text({"CLUSTER", "INFO"});
                           return info.find("cluster_state:ok") != info.npos &&
                                  info.find("cluster_slots_ok:16384") != info.npos &&
                                  node->run({"CLUSTER", "SLOTS"}).array()->size() == kMasters;
                         }) &&
             (nodes.size() == kMasters || has_linked_replicas());
    });
  }

  // The place of the master that has it, by the slots' first distribution.
  static unsigned first_owner(unsigned slot) {
    unsigned owner = 0;
    while (slot >= (owner + 1) * kSlots / kMasters) ++owner;
    return owner;
  }
  // The first step of a move: from now on keys may be at either.
  void begin_move(unsigned slot, unsigned from, unsigned to) {
    nodes[to]->run({"CLUSTER", "SETSLOT", std::to_string(slot), "IMPORTING", ids[from]});
    nodes[from]->run({"CLUSTER", "SETSLOT", std::to_string(slot), "MIGRATING", ids[to]});
  }
  void move_key(const std::string& key, unsigned from, unsigned to) {
    nodes[from]->run({"MIGRATE", "127.0.0.1", std::to_string(nodes[to]->port()), key, "0", "1000"});
  }
  void end_move(unsigned slot, unsigned to) {
    nodes[to]->run({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", ids[to]});
    for (unsigned i = 0; i < kMasters; ++i) {
      nodes[i]->run({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", ids[to]});
    }
  }

  std::vector<std::unique_ptr<RedisProcess>> nodes;  // the masters stand first
  std::vector<std::string> ids;

 private:
  void join() {
    for (unsigned i = 0; i < nodes.size(); ++i) {
      nodes[i]->run({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
    }
    for (unsigned i = 0; i < nodes.size(); ++i) {
      for (unsigned j = 0; j < nodes.size(); ++j) {
        if (i == j) continue;
        const redis::Reply bus = nodes[j]->run({"CONFIG", "GET", "cluster-port"});
        nodes[i]->run({"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes[j]->port()),
                       *bus.at(1).string()});
      }
    }
  }
  bool has_linked_replicas() const {
    return std::all_of(nodes.begin() + kMasters, nodes.end(), [](const auto& node) {
      return node->text({"INFO", "replication"}).find("master_link_status:up") != std::string::npos;
    });
  }
};

}  // namespace sockhook::testing
