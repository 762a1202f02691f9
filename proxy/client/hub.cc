#include "proxy/client/hub.h"

#include <algorithm>
#include <utility>

namespace sockhook::client {

using push::Delivery;
using push::PushOutcome;

Hub::Hub(const webhook::IdScheme& ids, uint8_t worker, routing::ConnectionJournal* journal)
    : ids_(ids),
      worker_(worker),
      groups_(backplane::NameKind::kGroup, journal),
      users_(backplane::NameKind::kUser, journal) {}

Hub::~Hub() { SOCKHOOK_CHECK(size_ == 0); }

Session& Hub::create(SessionContext& context, std::shared_ptr<routing::ConnectionFacts> facts,
                     HandshakeResponder* responder, std::vector<std::string> offered_subprotocols) {
  uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  facts->id = ids_.make({worker_, slot}, context.random.bytes<ConnectionId::kRandomBytes>());
  slots_[slot] = std::make_unique<Session>(context, slot, std::move(facts), responder,
                                           std::move(offered_subprotocols));
  ++size_;
  return *slots_[slot];
}

Session* Hub::find(const ConnectionId& id) {
  const auto place = ids_.locate(id);
  if (!place || place->worker != worker_ || place->slot >= slots_.size()) return nullptr;
  Session* session = slots_[place->slot].get();
  return session != nullptr && session->facts().id == id ? session : nullptr;
}

void Hub::erase(Session& session) {
  const uint32_t slot = session.slot();
  SOCKHOOK_CHECK(slots_[slot].get() == &session);
  free_slots_.push_back(slot);
  --size_;
  slots_[slot].reset();
}

void Hub::begin_life(const webhook::IdScheme& ids) {
  uncork_all();
  for_every([](Session& session) { session.lose(); });
  ids_ = ids;
}

void Hub::for_each(const std::function<void(Session&)>& visit) {
  // By index: a visited session may be erased, and none is created meanwhile.
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    Session* session = slots_[slot].get();
    if (session == nullptr) continue;
    if (session->is_open() || session->state() == Session::State::kConnecting) visit(*session);
  }
}

void Hub::for_every(const std::function<void(Session&)>& visit) {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (Session* session = slots_[slot].get()) visit(*session);
  }
}

std::optional<uint32_t> Hub::for_some(uint32_t from_slot, uint32_t slots,
                                      const std::function<void(const Session&)>& visit) const {
  for (uint32_t slot = from_slot; slot < slots_.size(); ++slot) {
    if (slot - from_slot == slots) return slot;
    if (slots_[slot] != nullptr) visit(*slots_[slot]);
  }
  return std::nullopt;
}

void Hub::cork(Session& session) {
  if (!is_corking_ || !session.cork()) return;
  corked_.push_back(session.facts().id);
}

void Hub::uncork_all() {
  is_corking_ = false;
  for (const ConnectionId& id : corked_) {
    if (Session* session = find(id)) session->uncork();
  }
  corked_.clear();
}

PushOutcome Hub::execute(const push::PushCommand& command) {
  return std::visit([&](const auto& action) { return carry_out(action, command.scope); },
                    command.action);
}

bool Hub::is_in_scope(const Session& session, const push::Scope& scope) {
  return !scope || scope->contains(session.facts().endpoint->conf.name);
}

Delivery Hub::with_session(const ConnectionId& id, const push::Scope& scope, const Visitor& act) {
  Session* session = find(id);
  if (session == nullptr) return Delivery::kGone;
  if (!is_in_scope(*session, scope)) return Delivery::kForbidden;
  return act(*session);
}

void Hub::with_members(const push::Target& target, const push::Scope& scope, const Visitor& act,
                       PushOutcome* outcome) {
  const auto visit = [&](Session& session) {
    if (!is_in_scope(session, scope)) return;
    if (act(session) == Delivery::kDone) {
      ++outcome->delivered;
    } else {
      ++outcome->failed;
    }
  };
  if (const auto* everyone = std::get_if<push::Everyone>(&target)) {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      Session* session = slots_[slot].get();
      if (session == nullptr || !session->is_open()) continue;
      const std::string& endpoint = session->facts().endpoint->conf.name;
      if (everyone->endpoint.empty() || everyone->endpoint == endpoint) visit(*session);
    }
    return;
  }
  const auto* group = std::get_if<push::GroupMembers>(&target);
  MemberIndex& index = group != nullptr ? groups_ : users_;
  const std::string& name =
      group != nullptr ? group->group : std::get<push::UserConnections>(target).user;
  MemberIndex::List* list = index.find(name);
  if (list == nullptr) return;
  // From the back, and looked up again each time: the visited session may leave the list, and the
  // last one to leave takes the list with it.
  for (std::size_t i = list->members.size(); i-- > 0;) {
    visit(*list->members[i].session);
    if (i > 0 && (list = index.find(name)) == nullptr) return;
  }
}

PushOutcome Hub::act_on(const push::Target& target, const push::Scope& scope, const Visitor& act) {
  PushOutcome outcome;
  if (const auto* one = std::get_if<push::OneConnection>(&target)) {
    outcome.delivery = with_session(one->id, scope, act);
  } else {
    with_members(target, scope, act, &outcome);
  }
  return outcome;
}

PushOutcome Hub::carry_out(const push::Send& send, const push::Scope& scope) {
  PushOutcome outcome;
  if (const auto* one = std::get_if<push::OneConnection>(&send.target)) {
    outcome.delivery = with_session(one->id, scope, [&](Session& session) {
      cork(session);
      return session.push(send.frame, send.payload_bytes);
    });
    return outcome;
  }
  std::size_t excluded = 0;
  with_members(
      send.target, scope,
      [&](Session& session) {
        if (send.excluded && send.excluded->contains(session.facts().id)) {
          ++excluded;
          return Delivery::kDone;
        }
        cork(session);
        return session.push(send.frame, send.payload_bytes);
      },
      &outcome);
  outcome.delivered -= excluded;
  return outcome;
}

PushOutcome Hub::carry_out(const push::Close& close, const push::Scope& scope) {
  return act_on(close.target, scope,
                [&](Session& session) { return session.close(close.code, close.reason); });
}

PushOutcome Hub::carry_out(const push::Membership& membership, const push::Scope& scope) {
  return act_on(membership.target, scope, [&](Session& session) {
    return session.set_membership(membership.group, membership.joins);
  });
}

PushOutcome Hub::carry_out(const push::Describe& describe, const push::Scope& scope) {
  PushOutcome outcome;
  outcome.delivery = with_session(describe.id, scope, [&](Session& session) {
    if (session.is_gone()) return Delivery::kGone;
    outcome.connections.push_back(session.describe());
    return Delivery::kDone;
  });
  return outcome;
}

PushOutcome Hub::carry_out(const push::List& list, const push::Scope& scope) {
  PushOutcome outcome;
  const auto matches = [&](const Session& session) {
    return session.is_open() && is_in_scope(session, scope) &&
           (list.endpoint.empty() || session.facts().endpoint->conf.name == list.endpoint) &&
           (list.user.empty() || session.facts().user == list.user) &&
           (list.group.empty() || session.is_member(list.group));
  };
  for (std::size_t slot = list.from_slot; slot < slots_.size(); ++slot) {
    const Session* session = slots_[slot].get();
    if (session == nullptr || !matches(*session)) continue;
    if (outcome.connections.size() == list.limit) {
      outcome.next_slot = static_cast<uint32_t>(slot);
      break;
    }
    outcome.connections.push_back(session->describe());
  }
  return outcome;
}

PushOutcome Hub::carry_out(const push::CountGroup& count, const push::Scope& scope) {
  PushOutcome outcome;
  const MemberIndex::List* list = groups_.find(count.group);
  if (list == nullptr) return outcome;
  outcome.count = static_cast<std::size_t>(
      std::count_if(list->members.begin(), list->members.end(),
                    [&](const auto& member) { return is_in_scope(*member.session, scope); }));
  return outcome;
}

PushOutcome Hub::carry_out(const push::FindUser& user, const push::Scope& scope) {
  PushOutcome outcome;
  const MemberIndex::List* list = users_.find(user.user);
  if (list == nullptr) return outcome;
  for (const MemberIndex::Member& member : list->members) {
    if (!is_in_scope(*member.session, scope)) continue;
    outcome.connection_ids.push_back(member.session->facts().id.to_string());
  }
  return outcome;
}

}  // namespace sockhook::client
