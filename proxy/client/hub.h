// Hub: the sessions of one worker, by slot, by group and by user; it carries out push commands.
//
// A connection's id holds its slot, so finding it is an index and a comparison. A slot is a
// connection's for its whole life, which makes the order of slots the order of listings. Ids of an
// earlier life of the node find nobody, while sessions of it still close.
//
// Owner: the Worker. Thread: the worker's. A session is erased only from its own finish().

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/webhook/connection_id.h"
#include "proxy/client/member_index.h"
#include "proxy/client/session.h"
#include "proxy/client/session_context.h"
#include "proxy/push/push_command.h"

namespace sockhook::client {

using webhook::ConnectionId;

class Hub {
 public:
  // `journal`: null without a cluster.
  Hub(const webhook::IdScheme& ids, uint8_t worker, routing::ConnectionJournal* journal = nullptr);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Makes a session in a fresh slot and fills in its id. `begin()` is the caller's to call.
  Session& create(SessionContext& context, std::shared_ptr<routing::ConnectionFacts> facts,
                  HandshakeResponder* responder, std::vector<std::string> offered_subprotocols);
  Session* find(const ConnectionId& id);
  // This node was declared dead: all sessions are lost, and those that come are of a new life.
  void begin_life(const webhook::IdScheme& ids);
  // Sessions of any state.
  std::size_t size() const { return size_; }

  push::PushOutcome execute(const push::PushCommand& command);

  // Sessions that are open or connecting, in no particular order.
  void for_each(const std::function<void(Session&)>& visit);
  // Those that are ending too. The visited session may be erased.
  void for_every(const std::function<void(Session&)>& visit);

  // Those of any state in the next `slots` slots from `from_slot` on; where to go on, or nothing at
  // the end.
  std::optional<uint32_t> for_some(uint32_t from_slot, uint32_t slots,
                                   const std::function<void(const Session&)>& visit) const;

  // See Corks.
  void set_corking(bool is_corking) { is_corking_ = is_corking; }
  void cork(Session& session);
  void uncork_all();

  MemberIndex& groups() { return groups_; }
  MemberIndex& users() { return users_; }

  // Called by a session that has finished: destroys it.
  void erase(Session& session);

 private:
  using Visitor = std::function<push::Delivery(Session&)>;

  static bool is_in_scope(const Session& session, const push::Scope& scope);
  push::Delivery with_session(const ConnectionId& id, const push::Scope& scope, const Visitor& act);
  // Visits the open members of the target; sums deliveries up.
  void with_members(const push::Target& target, const push::Scope& scope, const Visitor& act,
                    push::PushOutcome* outcome);
  push::PushOutcome act_on(const push::Target& target, const push::Scope& scope,
                           const Visitor& act);

  push::PushOutcome carry_out(const push::Send& send, const push::Scope& scope);
  push::PushOutcome carry_out(const push::Close& close, const push::Scope& scope);
  push::PushOutcome carry_out(const push::Membership& membership, const push::Scope& scope);
  push::PushOutcome carry_out(const push::Describe& describe, const push::Scope& scope);
  push::PushOutcome carry_out(const push::List& list, const push::Scope& scope);
  push::PushOutcome carry_out(const push::CountGroup& count, const push::Scope& scope);
  push::PushOutcome carry_out(const push::FindUser& user, const push::Scope& scope);

  webhook::IdScheme ids_;  // of this life
  const uint8_t worker_;
  std::vector<std::unique_ptr<Session>> slots_;
  std::vector<uint32_t> free_slots_;
  std::size_t size_ = 0;
  MemberIndex groups_;
  MemberIndex users_;
  bool is_corking_ = false;
  std::vector<ConnectionId> corked_;
};

}  // namespace sockhook::client
