#include "proxy/cluster/gather.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sockhook::cluster {

using backplane::Dispatch;
using backplane::SendResult;
using push::PushOutcome;
using push::RouteFailure;

namespace {

bool take(std::vector<NodeKey>& from, const NodeKey& node) { return std::erase(from, node) > 0; }

bool contains(const std::vector<NodeKey>& nodes, const NodeKey& node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

}  // namespace

bool Gather::is_done() const {
  if (waits_for_local_ || waits_for_lookup_ || dispatches_ > 0) return false;
  return waits_for_.empty();
}

void Gather::on_sent(const Dispatch& dispatch) {
  if (dispatches_ > 0) --dispatches_;
  switch (dispatch.result) {
    case SendResult::kSent:
      break;
    case SendResult::kUnavailable:
      return miss_all_others(RouteFailure::kUnavailable);
    case SendResult::kUnknown:
      return miss_all_others(RouteFailure::kTimedOut);
  }
  if (mode_ != Mode::kOne && !ask_) miss_doubtful(dispatch);
  for (const NodeKey& node : dispatch.reached) {
    if (!take(answered_, node)) waits_for_.push_back(node);
  }
  for (const NodeKey& node : dispatch.deaf) {
    miss(tools().nodes().name_of(node), RouteFailure::kUnavailable);
  }
  const bool is_gone = dispatch.reached.empty() && dispatch.deaf.empty();
  if (mode_ != Mode::kOne || !is_gone) return;
  if (tools().nodes().may_be_alive(target_)) return miss({}, RouteFailure::kUnavailable);
  outcome_.delivery = push::Delivery::kGone;
}

void Gather::on_lost(const NodeKey& node) {
  if (take(waits_for_, node)) miss(tools().nodes().name_of(node), RouteFailure::kTimedOut);
}

void Gather::on_reply(const NodeKey& from, Reply& reply) {
  if (!take(waits_for_, from)) {
    if (dispatches_ == 0) return;  // given up, or never asked
    answered_.push_back(from);
  }
  if (auto* outcome = std::get_if<PushOutcome>(&reply.result)) {
    outcome_.delivered_remotely += outcome->delivered;
    outcome_.failed_remotely += outcome->failed;
    add(*outcome);
  } else {
    miss(tools().nodes().name_of(from), std::get<RouteFailure>(reply.result));
  }
}

void Gather::on_lookup(const std::optional<std::vector<backplane::Presence>>& presences) {
  waits_for_lookup_ = false;
  if (!presences) return miss_all_others(RouteFailure::kUnavailable);
  for (const backplane::Presence& presence : *presences) {
    if (ask_) {
      ++dispatches_;
      tools().backplane().send(presence.node, encode(Request{ticket(), *ask_, {}}), ticket());
      continue;
    }
    outcome_.count += presence.count;
    for (const auto& id : presence.connections) outcome_.connection_ids.push_back(id.to_string());
  }
}

void Gather::on_local(Local& local) {
  waits_for_local_ = false;
  if (auto* outcome = std::get_if<PushOutcome>(&local)) {
    add(*outcome);
  } else {
    miss(tools().self().name, std::get<RouteFailure>(local));
  }
}

void Gather::on_timeout() {
  if (std::exchange(waits_for_local_, false)) miss(tools().self().name, RouteFailure::kTimedOut);
  if (std::exchange(waits_for_lookup_, false) || std::exchange(dispatches_, 0) > 0) {
    miss_all_others(RouteFailure::kTimedOut);
  }
  for (const NodeKey& node : std::exchange(waits_for_, {})) {
    miss(tools().nodes().name_of(node), RouteFailure::kTimedOut);
  }
}

void Gather::add(PushOutcome& part) {
  outcome_.delivery = part.delivery;
  outcome_.delivered += part.delivered;
  outcome_.failed += part.failed;
  outcome_.count += part.count;
  std::move(part.connections.begin(), part.connections.end(),
            std::back_inserter(outcome_.connections));
  std::move(part.connection_ids.begin(), part.connection_ids.end(),
            std::back_inserter(outcome_.connection_ids));
  for (const std::string& node : part.unknown_nodes) miss(node, RouteFailure::kTimedOut);
}

void Gather::miss(const std::string& node, RouteFailure failure) {
  if (mode_ != Mode::kPartial) {
    failure_ = failure_ ? std::max(*failure_, failure) : failure;
    return;
  }
  std::vector<std::string>& unknown = outcome_.unknown_nodes;
  const auto place = std::lower_bound(unknown.begin(), unknown.end(), node);
  if (place == unknown.end() || *place != node) unknown.insert(place, node);
}

// Nobody can say which ones hold the target: all that are known, but for those that have answered.
void Gather::miss_all_others(RouteFailure failure) {
  if (mode_ == Mode::kOne && !answered_.empty()) return;
  if (mode_ != Mode::kPartial) return miss({}, failure);
  for (const NodeKey& node : tools().nodes().others()) {
    if (!contains(answered_, node)) miss(tools().nodes().name_of(node), failure);
  }
}

// Whether they have members of the name is not known.
void Gather::miss_doubtful(const Dispatch& dispatch) {
  for (const NodeKey& node : tools().nodes().doubtful()) {
    if (!contains(dispatch.reached, node)) {
      miss(tools().nodes().name_of(node), RouteFailure::kUnavailable);
    }
  }
}

}  // namespace sockhook::cluster
