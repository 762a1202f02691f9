// MemoryBackplane: a cluster of one node, which is this process.
//
// There is nobody to speak to, and what it would tell others dies with it: names and records are
// not kept, a message to another node finds it gone.

#pragma once

#include "backplane/backplane.h"
#include "backplane/memory_claims.h"

namespace sockhook::backplane {

class MemoryBackplane final : public Backplane {
 public:
  explicit MemoryBackplane(MemoryClaims::MonotonicMs clock = MemoryClaims::steady_ms)
      : claims_(std::move(clock)) {}

  std::string_view name() const override { return "memory"; }
  State state() const override { return State::kNone; }

  void start(const NodeInfo& self, BackplaneListener* listener) override;
  void restart(const NodeKey& fresh) override;
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
    claims_.claim(claim, ticket, listener);
  }
  void settle(const Digest& key, RememberedAnswer answer) override {
    claims_.settle(key, std::move(answer));
  }
  void abandon(const Digest& key) override { claims_.abandon(key); }

 private:
  BackplaneListener* listener_ = nullptr;
  const std::vector<NodeInfo> others_;
  MemoryClaims claims_;
};

}  // namespace sockhook::backplane
