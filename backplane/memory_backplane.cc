#include "backplane/memory_backplane.h"

namespace sockhook::backplane {

void MemoryBackplane::start(const NodeInfo&, BackplaneListener* listener) { listener_ = listener; }
void MemoryBackplane::restart(const NodeKey&) {}
void MemoryBackplane::leave() { listener_->on_left(); }

void MemoryBackplane::send(const NodeKey&, std::string_view, Ticket ticket) {
  if (ticket != 0) listener_->on_sent(ticket, {});
}
void MemoryBackplane::send_to_name(const Name&, std::string_view, Ticket ticket) {
  if (ticket != 0) listener_->on_sent(ticket, {});
}
void MemoryBackplane::send_to_all(std::string_view, Ticket ticket) {
  if (ticket != 0) listener_->on_sent(ticket, {});
}

void MemoryBackplane::set_presence(const Name&, std::size_t, const std::vector<ConnectionId>&) {}
void MemoryBackplane::lookup(const Name&, Ticket ticket) {
  listener_->on_lookup(ticket, std::vector<Presence>{});
}

void MemoryBackplane::put_record(Record, Ticket ticket) {
  if (ticket != 0) listener_->on_recorded(ticket, true);
}
void MemoryBackplane::erase_record(const ConnectionId&) {}
void MemoryBackplane::finish_orphan(const NodeKey&, const ConnectionId&) {}

}  // namespace sockhook::backplane
