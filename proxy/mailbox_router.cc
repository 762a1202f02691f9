#include "proxy/mailbox_router.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace sockhook {

using push::Delivery;
using push::PushOutcome;
using push::Ticket;

namespace {

// Adds a worker's outcome of a command that went to all of them.
void merge(PushOutcome& total, PushOutcome& part) {
  total.delivered += part.delivered;
  total.failed += part.failed;
  total.count += part.count;
  std::move(part.connections.begin(), part.connections.end(),
            std::back_inserter(total.connections));
  std::move(part.connection_ids.begin(), part.connection_ids.end(),
            std::back_inserter(total.connection_ids));
}

// Its outcome may be told when some workers have not answered: it names who is unknown.
bool may_be_partial(const push::PushCommand& command) {
  return std::holds_alternative<push::Send>(command.action);
}

// The connection that a command names, or null for one that goes to many.
const webhook::ConnectionId* single_target(const push::PushCommand& command) {
  const auto of_target = [](const push::Target& target) -> const webhook::ConnectionId* {
    const auto* one = std::get_if<push::OneConnection>(&target);
    return one != nullptr ? &one->id : nullptr;
  };
  if (const auto* send = std::get_if<push::Send>(&command.action)) return of_target(send->target);
  if (const auto* close = std::get_if<push::Close>(&command.action)) {
    return of_target(close->target);
  }
  if (const auto* membership = std::get_if<push::Membership>(&command.action)) {
    return of_target(membership->target);
  }
  const auto* describe = std::get_if<push::Describe>(&command.action);
  return describe != nullptr ? &describe->id : nullptr;
}

// "WORKER.SLOT"
std::string make_cursor(unsigned worker, uint32_t slot) {
  return std::to_string(worker) + "." + std::to_string(slot);
}

bool parse_cursor(const std::string& cursor, unsigned* worker, uint32_t* slot) {
  if (cursor.empty()) return true;
  const char* const end = cursor.data() + cursor.size();
  const auto [dot, worker_error] = std::from_chars(cursor.data(), end, *worker);
  if (worker_error != std::errc() || dot == end || *dot != '.') return false;
  const auto [rest, slot_error] = std::from_chars(dot + 1, end, *slot);
  return slot_error == std::errc() && rest == end;
}

}  // namespace

MailboxRouter::MailboxRouter(net::Loop& loop, Node& node, Post post, ReplyToSelf reply_to_self)
    : loop_(loop),
      node_(node),
      ids_(std::make_shared<const webhook::IdScheme>(node.ids)),
      post_(std::move(post)),
      reply_to_self_(std::move(reply_to_self)) {}

MailboxRouter::~MailboxRouter() = default;

Ticket MailboxRouter::open(push::PushListener* listener) {
  const Ticket ticket = next_ticket_++;
  Pending pending;
  pending.listener = listener;
  pending.due_ms = loop_.now_ms() + kDeadlineMs;
  pending_.emplace(ticket, std::move(pending));
  if (!deadline_.is_armed()) loop_.deadlines().arm(deadline_, kDeadlineMs);
  return ticket;
}

Ticket MailboxRouter::submit(push::PushCommand command, push::PushListener* listener) {
  loop_.assert_thread();
  const Ticket ticket = open(listener);
  const webhook::ConnectionId* id = single_target(command);
  if (pending_.size() > kMaxTickets) {
    fail_later(ticket, push::RouteFailure::kOverloaded);
  } else if (id == nullptr) {
    send_to_all(ticket, command);
  } else if (const auto place = ids_->locate(*id); place && place->worker < node_.workers) {
    send_to(place->worker, ticket, std::move(command));
  } else {
    // Of another incarnation, or of nobody. Answers never come from inside submit().
    pending_.at(ticket).missing = 1;
    PushOutcome gone;
    gone.delivery = Delivery::kGone;
    reply_to_self_({0, ticket, std::move(gone)});
  }
  return ticket;
}

std::optional<Ticket> MailboxRouter::submit_list(push::List list, push::Scope scope,
                                                 const std::string& cursor,
                                                 push::PushListener* listener) {
  unsigned worker = 0;
  if (!parse_cursor(cursor, &worker, &list.from_slot) || worker >= node_.workers) {
    return std::nullopt;
  }
  const Ticket ticket = open(listener);
  if (pending_.size() > kMaxTickets) {
    fail_later(ticket, push::RouteFailure::kOverloaded);
    return ticket;
  }
  Pending& pending = pending_.at(ticket);
  pending.list = std::move(list);
  pending.scope = std::move(scope);
  pending.worker = worker;
  continue_list(ticket, pending);
  return ticket;
}

// With a full page too, for no connections then: there is a next page only if one more matches.
void MailboxRouter::continue_list(Ticket ticket, Pending& pending) {
  push::List part = *pending.list;
  part.limit -= pending.outcome.connections.size();
  send_to(pending.worker, ticket, {std::move(part), pending.scope});
}

void MailboxRouter::send_to(unsigned worker, Ticket ticket, push::PushCommand command) {
  pending_.at(ticket).missing = 1;
  if (!post_(worker, PushRequest{ticket, std::move(command)})) {
    fail_later(ticket, push::RouteFailure::kOverloaded);
  }
}

void MailboxRouter::send_to_all(Ticket ticket, const push::PushCommand& command) {
  Pending& pending = pending_.at(ticket);
  pending.may_be_partial = may_be_partial(command);
  bool is_refused = false;
  for (unsigned worker = 0; worker < node_.workers; ++worker) {
    if (post_(worker, PushRequest{ticket, command})) {
      ++pending.missing;
    } else {
      is_refused = true;
    }
  }
  if (!is_refused) return;
  if (pending.missing > 0 && pending.may_be_partial) {
    pending.outcome.unknown_nodes.push_back(node_.name);
  } else {
    fail_later(ticket, push::RouteFailure::kOverloaded);
  }
}

void MailboxRouter::on_reply(PushReply& reply) {
  const auto entry = pending_.find(reply.ticket);
  if (entry == pending_.end()) return;  // timed out
  Pending& pending = entry->second;
  if (pending.has_failed) return;
  pending.outcome.delivery = reply.outcome.delivery;
  for (push::ConnectionInfo& info : reply.outcome.connections) info.node = node_.name;
  merge(pending.outcome, reply.outcome);
  if (pending.list) {
    if (reply.outcome.next_slot) {
      pending.outcome.next_cursor = make_cursor(pending.worker, *reply.outcome.next_slot);
    } else if (pending.worker + 1 < node_.workers) {
      ++pending.worker;
      pending.list->from_slot = 0;
      continue_list(reply.ticket, pending);
      return;
    }
    complete(reply.ticket);
    return;
  }
  if (--pending.missing == 0) complete(reply.ticket);
}

void MailboxRouter::complete(Ticket ticket) {
  auto done = pending_.extract(ticket);
  if (done.mapped().listener != nullptr) {
    done.mapped().listener->on_outcome(ticket, done.mapped().outcome);
  }
}

void MailboxRouter::fail_later(Ticket ticket, push::RouteFailure failure) {
  pending_.at(ticket).has_failed = true;
  failed_.emplace_back(ticket, failure);
  loop_.deadlines().arm(deadline_, 0);
}

void MailboxRouter::on_deadline(net::Deadline&) {
  const uint64_t now_ms = loop_.now_ms();
  for (const auto& [ticket, pending] : pending_) {
    if (pending.due_ms <= now_ms) failed_.emplace_back(ticket, push::RouteFailure::kTimedOut);
  }
  for (const auto& [ticket, failure] : std::exchange(failed_, {})) fail(ticket, failure);
  if (pending_.empty()) return;
  uint64_t due_ms = UINT64_MAX;
  for (const auto& [ticket, pending] : pending_) due_ms = std::min(due_ms, pending.due_ms);
  loop_.deadlines().arm(deadline_, !failed_.empty() || due_ms <= now_ms ? 0 : due_ms - now_ms);
}

void MailboxRouter::fail(Ticket ticket, push::RouteFailure failure) {
  const auto done = pending_.extract(ticket);
  if (done.empty() || done.mapped().listener == nullptr) return;
  Pending& pending = done.mapped();
  if (failure == push::RouteFailure::kTimedOut && pending.may_be_partial) {
    pending.outcome.unknown_nodes = {node_.name};
    pending.listener->on_outcome(ticket, pending.outcome);
  } else {
    pending.listener->on_route_failure(ticket, failure);
  }
}

void MailboxRouter::forget(push::PushListener* listener) {
  for (auto& [ticket, pending] : pending_) {
    if (pending.listener == listener) pending.listener = nullptr;
  }
}

}  // namespace sockhook
