#include "backplane/memory_backplane.h"

#include <memory>
#include <string>

namespace sockhook::backplane {

MemoryBackplane::MemoryBackplane(net::Loop& loop, MemoryClaims::MonotonicMs clock)
    : own_cluster_(std::make_unique<MemoryCluster>(loop, false, std::move(clock))),
      cluster_(*own_cluster_) {}

MemoryBackplane::~MemoryBackplane() {
  cluster_.remove(self_.key);
  cluster_.discard_events(*this);
}

void MemoryBackplane::start(const NodeInfo& self, BackplaneListener* listener) {
  self_ = self;
  listener_ = listener;
  cluster_.join(self_, *this);
}

void MemoryBackplane::restart(const NodeKey& fresh) {
  self_.key = fresh;
  cluster_.join(self_, *this);
}

void MemoryBackplane::leave() {
  cluster_.remove(self_.key);
  cluster_.discard_events(*this);
  cluster_.post(*this, [](BackplaneListener& listener) { listener.on_left(); });
}

// ---- messages

// To each other node that is wanted.
template <typename Wanted>
void MemoryBackplane::send_where(Wanted wanted, std::string_view payload, Ticket ticket) {
  Dispatch dispatch;
  if (node() == nullptr) dispatch.result = SendResult::kUnavailable;
  const auto shared = std::make_shared<const std::string>(payload);
  for (const MemoryCluster::Node& other : cluster_.nodes_) {
    if (node() == nullptr || other.info.key == self_.key || !wanted(other)) continue;
    dispatch.reached.push_back(other.info.key);
    cluster_.post(*other.backplane, [from = self_.key, shared](BackplaneListener& listener) {
      listener.on_message(from, *shared);
    });
  }
  if (ticket == 0) return;
  cluster_.post(*this, [ticket, dispatch = std::move(dispatch)](BackplaneListener& listener) {
    listener.on_sent(ticket, dispatch);
  });
}

void MemoryBackplane::send(const NodeKey& to, std::string_view payload, Ticket ticket) {
  send_where([&](const MemoryCluster::Node& other) { return other.info.key == to; }, payload,
             ticket);
}

void MemoryBackplane::send_to_name(const Name& name, std::string_view payload, Ticket ticket) {
  const auto key = MemoryCluster::key_of(name);
  send_where([&](const MemoryCluster::Node& other) { return other.names.contains(key); }, payload,
             ticket);
}

void MemoryBackplane::send_to_all(std::string_view payload, Ticket ticket) {
  send_where([](const MemoryCluster::Node&) { return true; }, payload, ticket);
}

// ---- names

void MemoryBackplane::set_presence(const Name& name, std::size_t count,
                                   const std::vector<ConnectionId>& connections) {
  MemoryCluster::Node* const here = cluster_.is_shared_ ? node() : nullptr;
  if (here == nullptr) return;
  if (count == 0) {
    here->names.erase(MemoryCluster::key_of(name));
  } else {
    here->names.insert_or_assign(MemoryCluster::key_of(name),
                                 Presence{self_.key, count, connections});
  }
}

void MemoryBackplane::lookup(const Name& name, Ticket ticket) {
  std::vector<Presence> presences;
  for (const MemoryCluster::Node& other : cluster_.nodes_) {
    if (other.info.key == self_.key) continue;
    const auto presence = other.names.find(MemoryCluster::key_of(name));
    if (presence != other.names.end()) presences.push_back(presence->second);
  }
  cluster_.post(*this, [ticket, presences = std::move(presences)](BackplaneListener& listener) {
    listener.on_lookup(ticket, presences);
  });
}

// ---- records

void MemoryBackplane::put_record(Record record, Ticket ticket) {
  MemoryCluster::Node* const here = node();
  const bool is_written = here != nullptr;
  if (is_written && cluster_.is_shared_) {
    here->records.insert_or_assign(record.id, std::move(record.data));
  }
  if (ticket == 0) return;
  cluster_.post(*this, [ticket, is_written](BackplaneListener& listener) {
    listener.on_recorded(ticket, is_written);
  });
}

void MemoryBackplane::erase_record(const ConnectionId& id) {
  if (MemoryCluster::Node* const here = node()) here->records.erase(id);
}

void MemoryBackplane::finish_orphan(const NodeKey& owner, const ConnectionId& id) {
  if (node() != nullptr) cluster_.finish_orphan(owner, id);
}

}  // namespace sockhook::backplane
