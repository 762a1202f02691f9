// A Backplane that keeps what it is told; the test plays the other nodes.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "backplane/backplane.h"

namespace sockhook::backplane {

class ScriptedBackplane final : public Backplane {
 public:
  struct Sent {
    NodeKey to;  // send() only
    Name name;   // send_to_name() only
    std::string payload;
    Ticket ticket;
  };

  std::string_view name() const override { return "scripted"; }
  State state() const override { return state_now; }

  void start(const NodeInfo& self, BackplaneListener* told) override {
    own = self;
    listener = told;
  }
  void restart(const NodeKey& fresh) override {
    own.key = fresh;
    ++restarts;
  }
  void retire() override { has_retired = true; }
  void leave() override { has_left = true; }

  const std::vector<NodeInfo>& others() const override { return others_now; }
  bool knows_others() const override { return has_known_others; }
  std::optional<std::uint64_t> loop_us() const override { return {}; }

  void send(const NodeKey& to, std::string_view payload, Ticket ticket) override {
    sent.push_back({to, {}, std::string(payload), ticket});
  }
  void send_to_name(const Name& name, std::string_view payload, Ticket ticket) override {
    sent.push_back({{}, name, std::string(payload), ticket});
  }
  void send_to_all(std::string_view payload, Ticket ticket) override {
    sent.push_back({{}, {}, std::string(payload), ticket});
  }

  void set_presence(const Name& name, std::size_t count,
                    const std::vector<ConnectionId>& connections) override {
    presences.emplace_back(name, Presence{own.key, count, connections});
  }
  void lookup(const Name& name, Ticket ticket) override { lookups.emplace_back(name, ticket); }

  void put_record(Record record, Ticket ticket) override {
    records.emplace_back(std::move(record), ticket);
  }
  void erase_record(const ConnectionId& id) override { erased.push_back(id); }
  void finish_orphan(const NodeKey& owner, const ConnectionId& id) override {
    finished.emplace_back(owner, id);
  }

  void claim(const Claim&, Ticket, ClaimListener*) override {}
  void settle(const Digest&, RememberedAnswer) override {}
  void abandon(const Digest&) override {}

  State state_now = State::kUp;
  bool has_known_others = true;
  std::vector<NodeInfo> others_now;

  NodeInfo own;
  BackplaneListener* listener = nullptr;
  int restarts = 0;
  bool has_left = false;
  bool has_retired = false;
  std::vector<Sent> sent;
  std::vector<std::pair<Name, Presence>> presences;
  std::vector<std::pair<Name, Ticket>> lookups;
  std::vector<std::pair<Record, Ticket>> records;
  std::vector<ConnectionId> erased;
  std::vector<std::pair<NodeKey, ConnectionId>> finished;
};

}  // namespace sockhook::backplane
