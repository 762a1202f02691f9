// MemoryBackplane: one node of a MemoryCluster; by itself, as in the program, a cluster of one
// node, which is this process. There is nobody to speak to then, and what it would tell others dies
// with it.

#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "backplane/backplane.h"
#include "backplane/memory_claims.h"
#include "backplane/memory_cluster.h"
#include "proxy/net/loop.h"

namespace sockhook::backplane {

class MemoryBackplane final : public Backplane {
 public:
  explicit MemoryBackplane(net::Loop& loop,
                           MemoryClaims::MonotonicMs clock = MemoryClaims::steady_ms);
  explicit MemoryBackplane(MemoryCluster& cluster) : cluster_(cluster) {}
  ~MemoryBackplane() override;
  MemoryBackplane(const MemoryBackplane&) = delete;
  MemoryBackplane& operator=(const MemoryBackplane&) = delete;

  std::string_view name() const override { return "memory"; }
  State state() const override { return State::kNone; }

  void start(const NodeInfo& self, BackplaneListener* listener) override;
  void restart(const NodeKey& fresh) override;
  void retire() override { is_retired_ = true; }
  void leave() override;

  const std::vector<NodeInfo>& others() const override { return others_; }
  bool knows_others() const override { return true; }
  std::optional<std::uint64_t> loop_us() const override { return std::nullopt; }

  void send(const NodeKey& to, std::string_view payload, Ticket ticket) override;
  void send_to_name(const Name& name, std::string_view payload, Ticket ticket) override;
  void send_to_all(std::string_view payload, Ticket ticket) override;

  void set_presence(const Name& name, std::size_t count,
                    const std::vector<ConnectionId>& connections) override;
  void lookup(const Name& name, Ticket ticket) override;

  void put_record(Record record, Ticket ticket) override;
  void erase_record(const ConnectionId& id) override;
  void finish_orphan(const NodeKey& owner, const ConnectionId& id) override;

  void claim(const Claim& claim, Ticket ticket, ClaimListener* listener) override {
    cluster_.claims_.claim(claim, ticket, listener);
  }
  void settle(const Digest& key, RememberedAnswer answer) override {
    cluster_.claims_.settle(key, answer);
  }
  void abandon(const Digest& key) override { cluster_.claims_.abandon(key); }

 private:
  friend class MemoryCluster;

  // Null once this node has been declared dead.
  MemoryCluster::Node* node() { return cluster_.find(self_.key); }
  template <typename Wanted>
  void send_where(Wanted wanted, std::string_view payload, Ticket ticket);

  const std::unique_ptr<MemoryCluster> own_cluster_;
  MemoryCluster& cluster_;
  NodeInfo self_;
  BackplaneListener* listener_ = nullptr;
  std::vector<NodeInfo> others_;
  bool is_retired_ = false;
};

}  // namespace sockhook::backplane
