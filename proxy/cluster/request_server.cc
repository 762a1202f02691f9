#include "proxy/cluster/request_server.h"

#include <optional>
#include <utility>

namespace sockhook::cluster {

using push::RouteFailure;
using push::Ticket;

void RequestServer::serve(const backplane::NodeKey& asker, Request request) {
  if (asked_.size() >= kMaxRequests) {
    return refuse(asker, request.ticket, RouteFailure::kOverloaded);
  }
  std::optional<Ticket> local;
  if (auto* list = std::get_if<push::List>(&request.command.action)) {
    local = local_.submit_list(std::move(*list), std::move(request.command.scope), request.cursor,
                               this);
  } else {
    local = local_.submit(std::move(request.command), request.ticket != 0 ? this : nullptr);
  }
  if (request.ticket == 0) return;
  if (local) {
    asked_.emplace(*local, Asked{asker, request.ticket});
  } else {
    // A cursor that this node has not given: nothing follows it.
    backplane_.send(asker, encode(Reply{request.ticket, push::PushOutcome{}}), 0);
  }
}

void RequestServer::refuse(const backplane::NodeKey& asker, Ticket ticket, RouteFailure failure) {
  if (ticket == 0) return;
  backplane_.send(asker, encode(Reply{ticket, failure}), 0);
}

void RequestServer::answer(Ticket local, Reply reply) {
  const auto asked = asked_.extract(local);
  if (asked.empty()) return;
  const auto& [asker, ticket] = asked.mapped();
  reply.ticket = ticket;
  const std::string bytes = encode(reply);
  if (bytes.size() > kMaxReplyBytes) return refuse(asker, ticket, RouteFailure::kOverloaded);
  backplane_.send(asker, bytes, 0);
}

void RequestServer::on_outcome(Ticket ticket, push::PushOutcome& outcome) {
  answer(ticket, {0, std::move(outcome)});
}

void RequestServer::on_route_failure(Ticket ticket, RouteFailure failure) {
  answer(ticket, {0, failure});
}

}  // namespace sockhook::cluster
