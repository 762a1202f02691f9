#include "proxy/cluster/cluster_router.h"

#include <utility>

#include "proxy/cluster/list_walk.h"
#include "proxy/observe/log.h"

namespace sockhook::cluster {

using backplane::Name;
using backplane::NameKind;
using push::PushCommand;
using push::RouteFailure;
using push::Ticket;

namespace {

// Whom the command is for; null for a listing, a count or a look-up.
const push::Target* target_of(const PushCommand& command) {
  if (const auto* send = std::get_if<push::Send>(&command.action)) return &send->target;
  if (const auto* close = std::get_if<push::Close>(&command.action)) return &close->target;
  const auto* membership = std::get_if<push::Membership>(&command.action);
  return membership != nullptr ? &membership->target : nullptr;
}

}  // namespace

ClusterRouter::ClusterRouter(net::Loop& loop, push::PushRouter& local,
                             backplane::Backplane& backplane, NodeInfo self,
                             std::uint64_t heartbeat_ms)
    : loop_(loop),
      local_(local),
      backplane_(backplane),
      self_(std::move(self)),
      nodes_(loop, heartbeat_ms),
      server_(local, backplane) {}

ClusterRouter::~ClusterRouter() { local_.forget(this); }

// ---------------------------------------------------------------------------------------------
// Commands of this node's callers.

Ticket ClusterRouter::submit(PushCommand command, PushListener* listener) {
  loop_.assert_thread();
  if (const auto* describe = std::get_if<push::Describe>(&command.action)) {
    return submit_to(describe->id, std::move(command), listener);
  }
  if (const auto* count = std::get_if<push::CountGroup>(&command.action)) {
    return submit_lookup({NameKind::kGroup, count->group}, std::move(command), listener);
  }
  if (const auto* find = std::get_if<push::FindUser>(&command.action)) {
    return submit_lookup({NameKind::kUser, find->user}, std::move(command), listener);
  }
  const push::Target* target = target_of(command);
  SOCKHOOK_CHECK(target != nullptr);
  if (const auto* one = std::get_if<push::OneConnection>(target)) {
    return submit_to(one->id, std::move(command), listener);
  }
  return submit_to_many(*target, std::move(command), listener);
}

Ticket ClusterRouter::submit_to(const webhook::ConnectionId& id, PushCommand&& command,
                                PushListener* listener) {
  if (local_.is_local(id)) return local_.submit(std::move(command), listener);
  if (is_full()) return refuse(listener, RouteFailure::kOverloaded);
  const NodeKey node = id.node_key();
  if (listener == nullptr) {
    backplane_.send(node, encode(Request{0, std::move(command), {}}), 0);
    return 0;
  }
  const Ticket ticket = next_ticket_++;
  begin(ticket, listener, Gather::Mode::kOne).expect_dispatch_to(node);
  backplane_.send(node, encode(Request{ticket, std::move(command), {}}), ticket);
  return ticket;
}

Ticket ClusterRouter::submit_to_many(const push::Target& target, PushCommand&& command,
                                     PushListener* listener) {
  if (is_full()) return refuse(listener, RouteFailure::kOverloaded);
  // Whom it would not reach could not even be named.
  if (!backplane_.knows_others()) return refuse(listener, RouteFailure::kUnavailable);
  const Ticket ticket = listener != nullptr ? next_ticket_++ : 0;
  if (ticket != 0) {
    const bool is_send = std::holds_alternative<push::Send>(command.action);
    Gather& gather =
        begin(ticket, listener, is_send ? Gather::Mode::kPartial : Gather::Mode::kWhole);
    gather.expect_dispatch();
    gather.expect_local();
  }
  const std::string request = encode(Request{ticket, command, {}});
  if (const auto* group = std::get_if<push::GroupMembers>(&target)) {
    backplane_.send_to_name({NameKind::kGroup, group->group}, request, ticket);
  } else if (const auto* user = std::get_if<push::UserConnections>(&target)) {
    backplane_.send_to_name({NameKind::kUser, user->user}, request, ticket);
  } else {
    backplane_.send_to_all(request, ticket);
  }
  run_locally(ticket, std::move(command));
  return ticket;
}

Ticket ClusterRouter::submit_lookup(const Name& name, PushCommand&& command,
                                    PushListener* listener) {
  if (is_full()) return refuse(listener, RouteFailure::kOverloaded);
  const Ticket ticket = next_ticket_++;
  Gather& gather = begin(ticket, listener, Gather::Mode::kWhole);
  gather.expect_local();
  gather.expect_lookup(command.scope ? std::optional(command) : std::nullopt);
  backplane_.lookup(name, ticket);
  run_locally(ticket, std::move(command));
  return ticket;
}

std::optional<Ticket> ClusterRouter::submit_list(push::List list, push::Scope scope,
                                                 const std::string& cursor,
                                                 PushListener* listener) {
  auto from = ListCursor::parse(cursor);
  if (!from) return {};
  if (is_full()) return refuse(listener, RouteFailure::kOverloaded);
  if (backplane_.state() == backplane::Backplane::State::kDown) {
    return refuse(listener, RouteFailure::kUnavailable);
  }
  const Ticket ticket = next_ticket_++;
  FlowTools& tools = *this;
  auto walk = std::make_unique<ListWalk>(ticket, listener, tools, std::move(list), std::move(scope),
                                         std::move(*from));
  ListWalk& started = *walk;
  admit(ticket, std::move(walk));
  started.start();
  return ticket;
}

void ClusterRouter::forget(PushListener* listener) {
  local_.forget(listener);
  for (const auto& [ticket, flow] : flows_) flow->forget(listener);
  for (Refused& each : refused_) {
    if (each.listener == listener) each.listener = nullptr;
  }
}

// ---------------------------------------------------------------------------------------------
// Flows.

Gather& ClusterRouter::begin(Ticket ticket, PushListener* listener, Gather::Mode mode) {
  FlowTools& tools = *this;
  auto gather = std::make_unique<Gather>(ticket, listener, tools, mode);
  Gather& begun = *gather;
  admit(ticket, std::move(gather));
  return begun;
}

void ClusterRouter::admit(Ticket ticket, std::unique_ptr<Flow> flow) {
  flows_.emplace(ticket, std::move(flow));
  renew(ticket);
}

void ClusterRouter::renew(Ticket ticket) {
  const std::uint64_t due_ms = loop_.now_ms() + kDeadlineMs;
  flows_.at(ticket)->due_ms = due_ms;
  while (!dues_.empty() && !flows_.contains(dues_.front().ticket)) dues_.pop_front();
  dues_.push_back({due_ms, ticket});
  if (!deadline_.is_armed()) loop_.deadlines().arm(deadline_, kDeadlineMs);
}

Ticket ClusterRouter::refuse(PushListener* listener, RouteFailure failure) {
  const Ticket ticket = next_ticket_++;
  refused_.push_back({ticket, listener, failure});
  loop_.soon().arm(soon_);
  return ticket;
}

void ClusterRouter::run_locally(Ticket flow, PushCommand command) {
  if (flow == 0) {
    local_.submit(std::move(command), nullptr);
    return;
  }
  flow_of_local_.emplace(local_.submit(std::move(command), this), flow);
}

bool ClusterRouter::list_locally(Ticket flow, const push::List& list, const push::Scope& scope,
                                 const std::string& cursor) {
  const auto local = local_.submit_list(list, scope, cursor, this);
  if (local) flow_of_local_.emplace(*local, flow);
  return local.has_value();
}

template <typename Event>
void ClusterRouter::tell(Ticket ticket, Event event) {
  const auto found = flows_.find(ticket);
  if (found == flows_.end()) return;
  event(*found->second);
  if (found->second->is_done()) finish(ticket);
}

void ClusterRouter::finish(Ticket ticket) {
  const std::unique_ptr<Flow> flow = std::move(flows_.extract(ticket).mapped());
  PushListener* listener = flow->listener();
  if (listener == nullptr) return;
  if (flow->failure()) {
    listener->on_route_failure(ticket, *flow->failure());
  } else {
    listener->on_outcome(ticket, flow->outcome());
  }
}

// ---------------------------------------------------------------------------------------------
// What happens to them.

void ClusterRouter::on_sent(Ticket ticket, const backplane::Dispatch& dispatch) {
  tell(ticket, [&](Flow& flow) { flow.on_sent(dispatch); });
}

void ClusterRouter::on_lost(Ticket ticket, const NodeKey& node) {
  tell(ticket, [&](Flow& flow) { flow.on_lost(node); });
}

void ClusterRouter::on_lookup(Ticket ticket,
                              const std::optional<std::vector<backplane::Presence>>& presences) {
  tell(ticket, [&](Flow& flow) { flow.on_lookup(presences); });
}

void ClusterRouter::on_message(const NodeKey& from, std::string_view payload) {
  auto message = decode(payload);
  if (!message) {
    const BadMessage& bad = message.error();
    observe::LogLine(observe::Level::kWarn, "a node sent what this version cannot read")
        .field("node", nodes_.name_of(from));
    if (bad.error == CodecError::kForeignVersion) {
      server_.refuse(from, bad.ticket, RouteFailure::kUnavailable);
    }
    return;
  }
  if (auto* request = std::get_if<Request>(&*message)) {
    return server_.serve(from, std::move(*request));
  }
  if (auto* hello = std::get_if<Hello>(&*message)) {
    return nodes_.add_joined({from, std::move(hello->name)});
  }
  if (std::holds_alternative<Farewell>(*message)) return nodes_.remove_left(from);
  auto& reply = std::get<Reply>(*message);
  tell(reply.ticket, [&](Flow& flow) { flow.on_reply(from, reply); });
}

void ClusterRouter::on_heartbeat() {
  const std::vector<NodeKey> gone = nodes_.update(backplane_.others());
  if (gone.empty()) return;
  std::vector<Ticket> tickets;  // a flow that is done may have its listener begin others
  for (const auto& [ticket, flow] : flows_) tickets.push_back(ticket);
  for (const Ticket ticket : tickets) {
    tell(ticket, [&](Flow& flow) {
      for (const NodeKey& node : gone) flow.on_gone(node);
    });
  }
}

void ClusterRouter::on_link_up() {
  on_heartbeat();
  nodes_.on_link_up();
  backplane_.send_to_all(encode(Hello{self_.name}), 0);
}

void ClusterRouter::say_farewell() { backplane_.send_to_all(encode(Farewell{}), 0); }

void ClusterRouter::on_local(Ticket local, Flow::Local result) {
  const auto flow = flow_of_local_.extract(local);
  if (flow.empty()) return;
  tell(flow.mapped(), [&](Flow& each) { each.on_local(result); });
}

void ClusterRouter::on_outcome(Ticket ticket, push::PushOutcome& outcome) {
  on_local(ticket, std::move(outcome));
}

void ClusterRouter::on_route_failure(Ticket ticket, RouteFailure failure) {
  on_local(ticket, failure);
}

void ClusterRouter::on_deadline(net::Deadline&) {
  const std::uint64_t now_ms = loop_.now_ms();
  while (!dues_.empty() && dues_.front().at_ms <= now_ms) {
    const Due due = dues_.front();
    dues_.pop_front();
    const auto found = flows_.find(due.ticket);
    if (found == flows_.end() || found->second->due_ms != due.at_ms) continue;
    found->second->on_timeout();
    finish(due.ticket);
  }
  if (!dues_.empty()) loop_.deadlines().arm(deadline_, dues_.front().at_ms - now_ms);
}

void ClusterRouter::on_soon(net::Soon&) {
  for (const Refused& each : std::exchange(refused_, {})) {
    if (each.listener != nullptr) each.listener->on_route_failure(each.ticket, each.failure);
  }
}

}  // namespace sockhook::cluster
