#include "proxy/cluster/list_walk.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sockhook::cluster {

using backplane::Dispatch;
using backplane::NameKind;
using backplane::SendResult;
using push::PushOutcome;
using push::RouteFailure;

void ListWalk::start() {
  backplane::Backplane& backplane = tools().backplane();
  // A user has fewer connections than a group.
  if (!list_.user.empty()) return backplane.lookup({NameKind::kUser, list_.user}, ticket());
  if (!list_.group.empty()) return backplane.lookup({NameKind::kGroup, list_.group}, ticket());
  walk(tools().nodes().others());
}

void ListWalk::on_lookup(const std::optional<std::vector<backplane::Presence>>& presences) {
  if (state_ != State::kLookingUp) return;
  if (!presences) return end(RouteFailure::kUnavailable);
  std::vector<NodeKey> others;
  for (const backplane::Presence& presence : *presences) others.push_back(presence.node);
  walk(std::move(others));
}

void ListWalk::walk(std::vector<NodeKey> others) {
  nodes_ = std::move(others);
  nodes_.push_back(tools().self().key);
  std::erase_if(nodes_, [&](const NodeKey& node) { return NodeKeyLess()(node, cursor_.node); });
  std::sort(nodes_.begin(), nodes_.end(), NodeKeyLess());
  visit();
}

void ListWalk::visit() {
  if (next_ == nodes_.size()) {
    state_ = State::kDone;
    return;
  }
  const NodeKey& node = nodes_[next_];
  // Of a node that has gone meanwhile nothing is left to go on with.
  if (!(node == cursor_.node)) cursor_ = {node, {}};
  push::List part = list_;
  part.limit -= outcome_.connections.size();
  if (node == tools().self().key) {
    state_ = State::kLocal;
    if (!tools().list_locally(ticket(), part, scope_, cursor_.place)) visit_next();
    return;
  }
  state_ = State::kAsking;
  is_sent_ = false;
  part_.reset();
  tools().renew(ticket());
  const std::string request = encode(Request{ticket(), {std::move(part), scope_}, cursor_.place});
  tools().backplane().send(node, request, ticket());
}

void ListWalk::visit_next() {
  ++next_;
  visit();
}

void ListWalk::on_sent(const Dispatch& dispatch) {
  if (state_ != State::kAsking || is_sent_) return;
  is_sent_ = true;
  if (part_) return take_part(*part_);
  if (dispatch.result == SendResult::kUnavailable) return end(RouteFailure::kUnavailable);
  if (dispatch.result == SendResult::kUnknown) return end(RouteFailure::kTimedOut);
  if (!dispatch.deaf.empty()) return end(RouteFailure::kUnavailable);
  if (!dispatch.reached.empty()) return;
  // Redis may have forgotten it.
  const std::vector<NodeKey> doubtful = tools().nodes().doubtful();
  if (std::find(doubtful.begin(), doubtful.end(), nodes_[next_]) != doubtful.end()) {
    return end(RouteFailure::kUnavailable);
  }
  visit_next();
}

void ListWalk::on_lost(const NodeKey& node) {
  if (state_ == State::kAsking && node == nodes_[next_]) end(RouteFailure::kTimedOut);
}

void ListWalk::on_gone(const NodeKey& node) {
  if (state_ == State::kAsking && is_sent_ && node == nodes_[next_]) visit_next();
}

void ListWalk::on_reply(const NodeKey& from, Reply& reply) {
  if (state_ != State::kAsking || part_ || !(from == nodes_[next_])) return;
  part_ = std::move(reply.result);
  if (is_sent_) take_part(*part_);
}

void ListWalk::on_local(Local& local) {
  if (state_ == State::kLocal) take_part(local);
}

void ListWalk::take_part(Local& part) {
  if (const auto* failure = std::get_if<RouteFailure>(&part)) return end(*failure);
  auto& page = std::get<PushOutcome>(part);
  std::move(page.connections.begin(), page.connections.end(),
            std::back_inserter(outcome_.connections));
  if (page.next_cursor.empty()) return visit_next();
  outcome_.next_cursor = ListCursor{nodes_[next_], page.next_cursor}.to_string();
  state_ = State::kDone;
}

void ListWalk::end(RouteFailure failure) {
  failure_ = failure;
  state_ = State::kDone;
}

}  // namespace sockhook::cluster
