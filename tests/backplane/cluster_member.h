// ClusterMember: one node as the backplane sees it, and all that the backplane told it.

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backplane/backplane.h"

namespace sockhook::backplane {

inline NodeKey some_node_key() {
  static std::uint8_t last = 0;
  NodeKey key;
  key.bytes = {0xa0, 1, 2, 3, 4, ++last};
  return key;
}

// The connection of this number on that node.
inline ConnectionId some_connection(const NodeKey& node, std::size_t number) {
  return webhook::IdScheme(node, {}).make({0, static_cast<std::uint32_t>(number)}, {});
}

class ClusterMember final : public BackplaneListener, public ClaimListener {
 public:
  struct Message {
    NodeKey from;
    std::string payload;
    friend bool operator==(const Message&, const Message&) = default;
  };
  struct Decision {
    ClaimResult result;
    std::string body;
    friend bool operator==(const Decision&, const Decision&) = default;
  };

  ClusterMember(std::unique_ptr<Backplane> made, std::string name)
      : backplane(std::move(made)), self{some_node_key(), std::move(name)} {}

  void start() { backplane->start(self, this); }
  void restart() {
    self.key = some_node_key();
    backplane->restart(self.key);
  }
  ConnectionId connection(std::uint8_t number) const { return some_connection(self.key, number); }
  std::vector<std::string> payloads() const {
    std::vector<std::string> texts;
    for (const Message& message : messages) texts.push_back(message.payload);
    return texts;
  }

  void on_sent(Ticket ticket, const Dispatch& dispatch) override {
    expect_outside();
    EXPECT_TRUE(sent.emplace(ticket, dispatch).second) << "told twice";
  }
  void on_lost(Ticket ticket, const NodeKey& node) override {
    EXPECT_TRUE(sent.contains(ticket)) << "lost before it was sent";
    lost[ticket].push_back(node);
  }
  void on_message(const NodeKey& from, std::string_view payload) override {
    expect_outside();
    messages.push_back({from, std::string(payload)});
  }
  void on_lookup(Ticket ticket, const std::optional<std::vector<Presence>>& presences) override {
    expect_outside();
    EXPECT_TRUE(lookups.emplace(ticket, presences).second) << "told twice";
  }
  void on_recorded(Ticket ticket, bool is_written) override {
    expect_outside();
    EXPECT_TRUE(recorded.emplace(ticket, is_written).second) << "told twice";
  }
  void on_orphans(const NodeInfo& owner, std::vector<Record> records) override {
    expect_outside();
    EXPECT_LE(records.size(), Backplane::kOrphanPage);
    for (Record& record : records) {
      orphans.insert_or_assign(record.id, std::move(record.data));
      orphan_owners.insert_or_assign(record.id, owner);
    }
  }
  void on_up() override { ++ups; }
  void on_down() override { ++downs; }
  void on_lease(std::uint64_t until_ms) override { lease_until_ms = until_ms; }
  void on_data_lost() override { ++data_losses; }
  void on_repair() override {
    ++repairs;
    for (const auto& [key, value] : names_) {
      backplane->set_presence({key.first, key.second}, value.first, value.second);
    }
    for (const auto& [id, data] : records_) backplane->put_record({id, data}, 0);
  }
  void on_fenced(FenceReason reason) override {
    expect_outside();
    fenced.push_back(reason);
  }
  void on_left() override {
    expect_outside();
    has_left = true;
  }
  void on_claim(std::uint64_t ticket, ClaimResult result, const RememberedAnswer& answer) override {
    EXPECT_TRUE(claims.emplace(ticket, Decision{result, answer.body}).second) << "told twice";
  }

  bool is_up() const { return ups > downs; }

  // As a node does: what it says of names it can say again.
  void set_presence(const Name& name, std::size_t count, std::vector<ConnectionId> ids = {}) {
    ask([&](Backplane& made) { made.set_presence(name, count, ids); });
    const NameKey key{name.kind, name.text};
    if (count == 0) {
      names_.erase(key);
    } else {
      names_.insert_or_assign(key, std::pair(count, std::move(ids)));
    }
  }
  void put_record(const ConnectionId& id, const std::string& data, Ticket ticket = 0) {
    ask([&](Backplane& made) { made.put_record({id, data}, ticket); });
    records_.insert_or_assign(id, data);
  }
  void erase_record(const ConnectionId& id) {
    ask([&](Backplane& made) { made.erase_record(id); });
    records_.erase(id);
  }
  // Of a life that is over: nothing is said again.
  void forget() {
    names_.clear();
    records_.clear();
  }

  // Calls the backplane; but for claims, no event may come from inside.
  template <typename Call>
  void ask(Call call) {
    is_inside_ = true;
    call(*backplane);
    is_inside_ = false;
  }

  std::unique_ptr<Backplane> backplane;
  NodeInfo self;

  std::map<Ticket, Dispatch> sent;
  std::map<Ticket, std::vector<NodeKey>> lost;
  std::vector<Message> messages;
  std::map<Ticket, std::optional<std::vector<Presence>>> lookups;
  std::map<Ticket, bool> recorded;
  std::unordered_map<ConnectionId, std::string> orphans;
  std::unordered_map<ConnectionId, NodeInfo> orphan_owners;
  std::map<std::uint64_t, Decision> claims;
  std::vector<FenceReason> fenced;
  std::uint64_t lease_until_ms = 0;
  int ups = 0;
  int downs = 0;
  int repairs = 0;
  int data_losses = 0;
  bool has_left = false;

 private:
  using NameKey = std::pair<NameKind, std::string>;

  void expect_outside() const { EXPECT_FALSE(is_inside_) << "an event from inside a call"; }

  bool is_inside_ = false;
  std::map<NameKey, std::pair<std::size_t, std::vector<ConnectionId>>> names_;
  std::unordered_map<ConnectionId, std::string> records_;
};

}  // namespace sockhook::backplane
