// A PushRouter that keeps what it is given; the test answers.

#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proxy/push/push_router.h"

namespace sockhook::management {

class FakeRouter final : public push::PushRouter {
 public:
  struct Submitted {
    push::Ticket ticket;
    push::PushCommand command;
    std::string cursor;
    push::PushListener* listener;
  };

  push::Ticket submit(push::PushCommand command, push::PushListener* listener) override {
    submitted.push_back({++last_ticket_, std::move(command), {}, listener});
    return last_ticket_;
  }
  std::optional<push::Ticket> submit_list(push::List list, push::Scope scope,
                                          const std::string& cursor,
                                          push::PushListener* listener) override {
    if (cursor == "malformed") return {};
    submitted.push_back({++last_ticket_, {std::move(list), std::move(scope)}, cursor, listener});
    return last_ticket_;
  }
  void forget(push::PushListener* listener) override {
    for (Submitted& each : submitted) {
      if (each.listener == listener) each.listener = nullptr;
    }
  }
  bool is_local(const webhook::ConnectionId& id) const override { return !remote.contains(id); }

  void answer(std::size_t index, push::PushOutcome outcome) {
    const Submitted each = submitted.at(index);
    if (each.listener != nullptr) each.listener->on_outcome(each.ticket, outcome);
  }
  void fail(std::size_t index, push::RouteFailure failure) {
    const Submitted each = submitted.at(index);
    if (each.listener != nullptr) each.listener->on_route_failure(each.ticket, failure);
  }

  template <typename Action>
  const Action& last() const {
    return std::get<Action>(submitted.back().command.action);
  }

  std::vector<Submitted> submitted;
  std::set<webhook::ConnectionId> remote;  // of other nodes

 private:
  push::Ticket last_ticket_ = 100;
};

}  // namespace sockhook::management
