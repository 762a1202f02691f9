#include "proxy/cluster/push_codec.h"

#include <optional>
#include <utility>

#include "proxy/cluster/wire.h"

namespace sockhook::cluster {
namespace {

using push::ConnectionId;
using push::ConnectionInfo;
using push::PushCommand;
using push::PushOutcome;

// Never another meaning for one of these, in no version.
enum class Kind : std::uint8_t {
  kRequest = 1,
  kOutcome = 2,
  kFailure = 3,
  kHello = 4,
  kFarewell = 5
};

void begin(WireWriter& out, Kind kind, push::Ticket ticket) {
  out.number(kVersion);
  out.number(static_cast<std::uint8_t>(kind));
  out.number(ticket);
}

// ---- texts, ids, targets

void write(WireWriter& out, const std::vector<std::string>& texts) {
  out.number(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) out.text(text);
}

std::vector<std::string> read_texts(WireReader& in) {
  std::vector<std::string> texts;
  for (std::size_t left = in.count(); left > 0 && !in.is_broken(); --left) {
    texts.emplace_back(in.text());
  }
  return texts;
}

void write(WireWriter& out, const ConnectionId& id) { out.raw(id.view()); }

ConnectionId read_id(WireReader& in) {
  const auto id = ConnectionId::parse(in.raw(ConnectionId::kLength));
  if (id) return *id;
  in.fail();
  return {};
}

void write(WireWriter& out, const push::Target& target) {
  out.number(static_cast<std::uint8_t>(target.index()));
  if (const auto* one = std::get_if<push::OneConnection>(&target)) write(out, one->id);
  if (const auto* group = std::get_if<push::GroupMembers>(&target)) out.text(group->group);
  if (const auto* user = std::get_if<push::UserConnections>(&target)) out.text(user->user);
  if (const auto* everyone = std::get_if<push::Everyone>(&target)) out.text(everyone->endpoint);
}

push::Target read_target(WireReader& in) {
  switch (in.number<std::uint8_t>()) {
    case 0:
      return push::OneConnection{read_id(in)};
    case 1:
      return push::GroupMembers{std::string(in.text())};
    case 2:
      return push::UserConnections{std::string(in.text())};
    case 3:
      return push::Everyone{std::string(in.text())};
    default:
      in.fail();
      return {};
  }
}

// ---- actions, in the order of PushCommand's variant

void write(WireWriter& out, const push::Send& send) {
  write(out, send.target);
  out.text(*send.frame);
  out.number(std::uint64_t{send.payload_bytes});
  const std::size_t excluded = send.excluded ? send.excluded->size() : 0;
  out.number(static_cast<std::uint32_t>(excluded));
  if (excluded == 0) return;
  for (const ConnectionId& id : *send.excluded) write(out, id);
}

push::Send read_send(WireReader& in) {
  push::Send send;
  send.target = read_target(in);
  send.frame = std::make_shared<const std::string>(in.text());
  send.payload_bytes = in.number<std::uint64_t>();
  const std::size_t excluded = in.count();
  if (excluded == 0) return send;
  auto ids = std::make_shared<std::unordered_set<ConnectionId>>();
  for (std::size_t left = excluded; left > 0 && !in.is_broken(); --left) ids->insert(read_id(in));
  send.excluded = std::move(ids);
  return send;
}

void write(WireWriter& out, const push::Close& close) {
  write(out, close.target);
  out.number(close.code);
  out.text(close.reason);
}

push::Close read_close(WireReader& in) {
  push::Close close;
  close.target = read_target(in);
  close.code = in.number<std::uint16_t>();
  close.reason = in.text();
  return close;
}

void write(WireWriter& out, const push::Membership& membership) {
  write(out, membership.target);
  out.text(membership.group);
  out.flag(membership.joins);
}

push::Membership read_membership(WireReader& in) {
  push::Membership membership;
  membership.target = read_target(in);
  membership.group = in.text();
  membership.joins = in.flag();
  return membership;
}

void write(WireWriter& out, const push::Describe& describe) { write(out, describe.id); }

void write(WireWriter& out, const push::List& list) {
  out.text(list.endpoint);
  out.text(list.user);
  out.text(list.group);
  out.number(list.from_slot);
  out.number(std::uint64_t{list.limit});
}

push::List read_list(WireReader& in) {
  push::List list;
  list.endpoint = in.text();
  list.user = in.text();
  list.group = in.text();
  list.from_slot = in.number<std::uint32_t>();
  list.limit = in.number<std::uint64_t>();
  return list;
}

void write(WireWriter& out, const push::CountGroup& count) { out.text(count.group); }
void write(WireWriter& out, const push::FindUser& find) { out.text(find.user); }

decltype(PushCommand::action) read_action(WireReader& in) {
  switch (in.number<std::uint8_t>()) {
    case 0:
      return read_send(in);
    case 1:
      return read_close(in);
    case 2:
      return read_membership(in);
    case 3:
      return push::Describe{read_id(in)};
    case 4:
      return read_list(in);
    case 5:
      return push::CountGroup{std::string(in.text())};
    case 6:
      return push::FindUser{std::string(in.text())};
    default:
      in.fail();
      return {};
  }
}

void write(WireWriter& out, const push::Scope& scope) {
  out.flag(scope != nullptr);
  if (!scope) return;
  out.number(static_cast<std::uint32_t>(scope->size()));
  for (const std::string& endpoint : *scope) out.text(endpoint);
}

push::Scope read_scope(WireReader& in) {
  if (!in.flag()) return nullptr;
  auto scope = std::make_shared<std::set<std::string>>();
  for (std::size_t left = in.count(); left > 0 && !in.is_broken(); --left) {
    scope->emplace(in.text());
  }
  return scope;
}

// ---- outcomes

void write(WireWriter& out, const ConnectionInfo& info) {
  for (const std::string* text : {&info.id, &info.node, &info.endpoint, &info.user,
                                  &info.remote_address, &info.user_agent, &info.subprotocol}) {
    out.text(*text);
  }
  write(out, info.groups);
  out.flag(info.connected_at_ms.has_value());
  out.number(info.connected_at_ms.value_or(0));
  out.number(info.handshake_at_ms);
  out.number(info.last_active_at_ms);
}

ConnectionInfo read_info(WireReader& in) {
  ConnectionInfo info;
  for (std::string* text : {&info.id, &info.node, &info.endpoint, &info.user, &info.remote_address,
                            &info.user_agent, &info.subprotocol}) {
    *text = in.text();
  }
  info.groups = read_texts(in);
  const bool is_connected = in.flag();
  const auto connected_at_ms = in.number<std::int64_t>();
  if (is_connected) info.connected_at_ms = connected_at_ms;
  info.handshake_at_ms = in.number<std::int64_t>();
  info.last_active_at_ms = in.number<std::int64_t>();
  return info;
}

void write(WireWriter& out, const PushOutcome& outcome) {
  out.number(static_cast<std::uint8_t>(outcome.delivery));
  out.number(std::uint64_t{outcome.delivered});
  out.number(std::uint64_t{outcome.failed});
  out.number(std::uint64_t{outcome.count});
  out.number(static_cast<std::uint32_t>(outcome.connections.size()));
  for (const ConnectionInfo& info : outcome.connections) write(out, info);
  write(out, outcome.connection_ids);
  out.text(outcome.next_cursor);
  write(out, outcome.unknown_nodes);
}

PushOutcome read_outcome(WireReader& in) {
  PushOutcome outcome;
  outcome.delivery = in.choice(push::Delivery::kForbidden);
  outcome.delivered = in.number<std::uint64_t>();
  outcome.failed = in.number<std::uint64_t>();
  outcome.count = in.number<std::uint64_t>();
  for (std::size_t left = in.count(); left > 0 && !in.is_broken(); --left) {
    outcome.connections.push_back(read_info(in));
  }
  outcome.connection_ids = read_texts(in);
  outcome.next_cursor = in.text();
  outcome.unknown_nodes = read_texts(in);
  return outcome;
}

}  // namespace

std::string encode(const Request& request) {
  WireWriter out;
  if (const auto* send = std::get_if<push::Send>(&request.command.action)) {
    constexpr std::size_t kRoomForTheRest = 256;
    out.reserve(send->frame->size() + kRoomForTheRest);
  }
  begin(out, Kind::kRequest, request.ticket);
  out.number(static_cast<std::uint8_t>(request.command.action.index()));
  std::visit([&](const auto& action) { write(out, action); }, request.command.action);
  write(out, request.command.scope);
  out.text(request.cursor);
  return out.take();
}

std::string encode(const Reply& reply) {
  WireWriter out;
  if (const auto* outcome = std::get_if<PushOutcome>(&reply.result)) {
    begin(out, Kind::kOutcome, reply.ticket);
    write(out, *outcome);
  } else {
    begin(out, Kind::kFailure, reply.ticket);
    out.number(static_cast<std::uint8_t>(std::get<push::RouteFailure>(reply.result)));
  }
  return out.take();
}

std::string encode(const Hello& hello) {
  WireWriter out;
  begin(out, Kind::kHello, 0);
  out.text(hello.name);
  return out.take();
}

std::string encode(const Farewell&) {
  WireWriter out;
  begin(out, Kind::kFarewell, 0);
  return out.take();
}

Result<Message, BadMessage> decode(std::string_view bytes) {
  WireReader in(bytes);
  const auto version = in.number<std::uint8_t>();
  const auto kind = static_cast<Kind>(in.number<std::uint8_t>());
  const auto ticket = in.number<push::Ticket>();
  if (in.is_broken()) return Failure{BadMessage{}};
  // Known in every version.
  if (kind == Kind::kFailure) {
    Reply reply{ticket, in.choice(push::RouteFailure::kTimedOut)};
    if (!in.is_done()) return Failure{BadMessage{}};
    return Message{std::move(reply)};
  }
  if (version != kVersion) {
    const bool is_request = kind == Kind::kRequest;
    return Failure{
        BadMessage{is_request ? CodecError::kForeignVersion : CodecError::kMalformed, ticket}};
  }
  Message message;
  if (kind == Kind::kRequest) {
    Request request;
    request.ticket = ticket;
    request.command.action = read_action(in);
    request.command.scope = read_scope(in);
    request.cursor = in.text();
    message = std::move(request);
  } else if (kind == Kind::kOutcome) {
    message = Reply{ticket, read_outcome(in)};
  } else if (kind == Kind::kHello) {
    message = Hello{std::string(in.text())};
  } else if (kind == Kind::kFarewell) {
    message = Farewell{};
  } else {
    in.fail();
  }
  if (!in.is_done()) return Failure{BadMessage{}};
  return message;
}

}  // namespace sockhook::cluster
