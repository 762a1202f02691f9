// A ClusterRouter between a local router and a backplane that the test plays.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proxy/cluster/cluster_router.h"
#include "tests/proxy/cluster/scripted_backplane.h"
#include "tests/proxy/management/fake_router.h"
#include "tests/support/loop_runner.h"

namespace sockhook::cluster {

using backplane::Dispatch;
using backplane::SendResult;
using push::Delivery;
using push::PushOutcome;
using push::RouteFailure;
using push::Ticket;

struct Asker final : push::PushListener {
  void on_outcome(Ticket ticket, PushOutcome& outcome) override {
    EXPECT_FALSE(is_inside_submit);
    outcomes.emplace(ticket, std::move(outcome));
  }
  void on_route_failure(Ticket ticket, RouteFailure failure) override {
    EXPECT_FALSE(is_inside_submit);
    failures.emplace(ticket, failure);
  }
  std::map<Ticket, PushOutcome> outcomes;
  std::map<Ticket, RouteFailure> failures;
  bool is_inside_submit = false;
};

// This node's key is 5; others have theirs below and above.
class RouterTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kHeartbeatMs = 100;

  RouterTest() : router(runner.loop(), local, backplane, {key(5), "gw-5"}, kHeartbeatMs) {
    backplane.others_now = {{key(2), "gw-2"}, {key(7), "gw-7"}, {key(9), "gw-9"}};
    router.on_heartbeat();
  }
  ~RouterTest() override { router.forget(&asker); }

  static NodeKey key(std::uint8_t number) { return {{number, 0, 0, 0, 0, 0}}; }
  webhook::ConnectionId id_of(std::uint8_t node) {
    const auto id = webhook::IdScheme(key(node), {}).make({0, 1}, {});
    if (node != 5) local.remote.insert(id);
    return id;
  }
  static push::Send text_to(push::Target target) {
    return {std::move(target), websocket::encode_frame(websocket::Opcode::kText, "x"), 1, nullptr};
  }
  Ticket submit(decltype(push::PushCommand::action) action, push::Scope scope = nullptr) {
    asker.is_inside_submit = true;
    const Ticket ticket = router.submit({std::move(action), std::move(scope)}, &asker);
    asker.is_inside_submit = false;
    return ticket;
  }
  Ticket list(push::List what = {}, const std::string& cursor = "") {
    asker.is_inside_submit = true;
    const auto ticket = router.submit_list(std::move(what), nullptr, cursor, &asker);
    asker.is_inside_submit = false;
    EXPECT_TRUE(ticket);
    return ticket.value_or(0);
  }

  const backplane::ScriptedBackplane::Sent& last_sent() { return backplane.sent.back(); }
  // What the last message asks of its receiver.
  Request last_request() { return std::get<Request>(*decode(last_sent().payload)); }
  void dispatched(Ticket ticket, std::vector<std::uint8_t> reached,
                  std::vector<std::uint8_t> deaf = {}) {
    Dispatch dispatch;
    for (const std::uint8_t node : reached) dispatch.reached.push_back(key(node));
    for (const std::uint8_t node : deaf) dispatch.deaf.push_back(key(node));
    router.on_sent(ticket, dispatch);
  }
  void not_dispatched(Ticket ticket, SendResult result) {
    router.on_sent(ticket, {result, {}, {}});
  }
  void reply(std::uint8_t node, Ticket ticket, decltype(Reply::result) result) {
    router.on_message(key(node), encode(Reply{ticket, std::move(result)}));
  }
  void looked_up(Ticket ticket, std::vector<backplane::Presence> presences) {
    router.on_lookup(ticket, std::move(presences));
  }
  // The local router answers its newest command.
  void local_answers(PushOutcome outcome = {}) {
    local.answer(local.submitted.size() - 1, std::move(outcome));
  }

  static PushOutcome counts(std::size_t delivered, std::size_t failed = 0) {
    PushOutcome outcome;
    outcome.delivered = delivered;
    outcome.failed = failed;
    return outcome;
  }
  static PushOutcome delivery(Delivery what) {
    PushOutcome outcome;
    outcome.delivery = what;
    return outcome;
  }
  static PushOutcome page(const std::vector<std::string>& ids, std::string next = {}) {
    PushOutcome outcome;
    for (const std::string& id : ids) outcome.connections.emplace_back().id = id;
    outcome.next_cursor = std::move(next);
    return outcome;
  }
  static std::vector<std::string> ids_of(const PushOutcome& outcome) {
    std::vector<std::string> ids;
    for (const auto& info : outcome.connections) ids.push_back(info.id);
    return ids;
  }
  bool wait_for_a_failure() {
    return runner.run_until([&] { return !asker.failures.empty(); });
  }

  testing::LoopRunner runner;
  management::FakeRouter local;
  backplane::ScriptedBackplane backplane;
  Asker asker;
  ClusterRouter router;
};

}  // namespace sockhook::cluster
