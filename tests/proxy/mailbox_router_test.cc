// Commands find their workers, and the workers' replies become one outcome (contract 6).

#include "proxy/mailbox_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <map>
#include <set>

#include "proxy/random.h"
#include "tests/support/chat_config.h"
#include "tests/support/loop_runner.h"

namespace sockhook {
namespace {

using push::Delivery;
using push::PushOutcome;
using push::RouteFailure;
using push::Ticket;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr unsigned kWorkers = 3;

struct Asker final : push::PushListener {
  void on_outcome(Ticket ticket, PushOutcome& outcome) override {
    EXPECT_FALSE(is_inside_submit);
    outcomes.emplace(ticket, std::move(outcome));
    if (when_told) when_told();
  }
  void on_route_failure(Ticket ticket, RouteFailure failure) override {
    EXPECT_FALSE(is_inside_submit);
    failures.emplace(ticket, failure);
    if (when_told) when_told();
  }
  std::map<Ticket, PushOutcome> outcomes;
  std::map<Ticket, RouteFailure> failures;
  std::function<void()> when_told;
  bool is_inside_submit = false;
};

// Workers whose mailboxes the test reads.
class MailboxRouterTest : public ::testing::Test {
 protected:
  MailboxRouterTest()
      : node(std::make_shared<const conf::Config>(named(testing::chat_config())), kWorkers, 10),
        router(
            runner.loop(), node,
            [this](unsigned worker, WorkerMessage message) {
              if (full.contains(worker)) return false;
              mailboxes[worker].push_back(std::get<PushRequest>(std::move(message)));
              return true;
            },
            [this](PushReply reply) { own_replies.push_back(std::move(reply)); }) {}

  static conf::Config named(conf::Config config) {
    config.node.id = "gw-1";
    return config;
  }
  webhook::ConnectionId id_on(unsigned worker) {
    return node.ids.make({static_cast<uint8_t>(worker), 7}, random.bytes<12>());
  }
  static push::Send text_to(push::Target target) {
    return {std::move(target), websocket::encode_frame(websocket::Opcode::kText, "x"), 1, nullptr};
  }
  Ticket submit(push::PushCommand command) {
    asker.is_inside_submit = true;
    const Ticket ticket = router.submit(std::move(command), &asker);
    asker.is_inside_submit = false;
    return ticket;
  }
  std::optional<Ticket> submit_list(push::List list, const std::string& cursor) {
    asker.is_inside_submit = true;
    const auto ticket = router.submit_list(std::move(list), nullptr, cursor, &asker);
    asker.is_inside_submit = false;
    return ticket;
  }
  // The worker answers the oldest command in its mailbox.
  void reply(unsigned worker, PushOutcome outcome = {}) {
    ASSERT_FALSE(mailboxes[worker].empty());
    PushReply answer{worker, mailboxes[worker].front().ticket, std::move(outcome)};
    mailboxes[worker].pop_front();
    router.on_reply(answer);
  }
  static PushOutcome counts(std::size_t delivered, std::size_t failed = 0) {
    PushOutcome outcome;
    outcome.delivered = delivered;
    outcome.failed = failed;
    return outcome;
  }
  static PushOutcome page(std::vector<std::string> ids, std::optional<uint32_t> next_slot = {}) {
    PushOutcome outcome;
    for (std::string& id : ids) outcome.connections.emplace_back().id = std::move(id);
    outcome.next_slot = next_slot;
    return outcome;
  }
  const push::List& asked(unsigned worker) {
    return std::get<push::List>(mailboxes[worker].front().command.action);
  }
  static std::vector<std::string> ids_of(const PushOutcome& outcome) {
    std::vector<std::string> ids;
    for (const auto& info : outcome.connections) ids.push_back(info.id);
    return ids;
  }

  testing::LoopRunner runner;
  Random random;
  Node node;
  std::array<std::deque<PushRequest>, kWorkers> mailboxes;
  std::set<unsigned> full;
  std::vector<PushReply> own_replies;
  Asker asker;
  MailboxRouter router;
};

TEST_F(MailboxRouterTest, ACommandForOneConnectionGoesToTheWorkerThatTheIdNames) {
  const Ticket ticket = submit({text_to(push::OneConnection{id_on(1)}), nullptr});
  EXPECT_THAT(mailboxes[0], IsEmpty());
  ASSERT_EQ(mailboxes[1].size(), 1U);
  EXPECT_THAT(mailboxes[2], IsEmpty());
  PushOutcome slow;
  slow.delivery = Delivery::kSlow;
  reply(1, std::move(slow));
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kSlow);
}

TEST_F(MailboxRouterTest, EveryCommandForOneConnectionDoes) {
  const push::OneConnection one{id_on(2)};
  submit({push::Close{one, 1000, ""}, nullptr});
  submit({push::Membership{one, "g", true}, nullptr});
  submit({push::Describe{one.id}, nullptr});
  EXPECT_EQ(mailboxes[2].size(), 3U);
}

TEST_F(MailboxRouterTest, CommandsForOneTargetKeepTheirOrder) {
  std::vector<Ticket> tickets(10);
  for (Ticket& ticket : tickets) ticket = submit({text_to(push::OneConnection{id_on(0)}), nullptr});
  for (std::size_t i = 0; i < tickets.size(); ++i) EXPECT_EQ(mailboxes[0][i].ticket, tickets[i]);
}

TEST_F(MailboxRouterTest, AnIdOfAnotherLifeIsGoneWithoutAskingAnybody) {
  const Node earlier(node.config, kWorkers, 10);
  const auto id = earlier.ids.make({0, 1}, {});
  const Ticket ticket = submit({push::Describe{id}, nullptr});
  const Ticket nobody = submit({push::Describe{id_on(kWorkers)}, nullptr});
  for (const auto& mailbox : mailboxes) EXPECT_THAT(mailbox, IsEmpty());
  ASSERT_EQ(own_replies.size(), 2U);
  for (PushReply& own : own_replies) router.on_reply(own);
  EXPECT_EQ(asker.outcomes.at(ticket).delivery, Delivery::kGone);
  EXPECT_EQ(asker.outcomes.at(nobody).delivery, Delivery::kGone);
}

TEST_F(MailboxRouterTest, ASendToManyGoesToAllWorkersAndTheirCountsAddUp) {
  const Ticket ticket = submit({text_to(push::GroupMembers{"g"}), nullptr});
  reply(2, counts(1, 0));
  reply(0, counts(20, 3));
  EXPECT_THAT(asker.outcomes, IsEmpty()) << "one has not answered";
  reply(1, counts(300, 5));
  EXPECT_EQ(asker.outcomes.at(ticket).delivered, 321U);
  EXPECT_EQ(asker.outcomes.at(ticket).failed, 8U);
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, IsEmpty());
}

TEST_F(MailboxRouterTest, CountsAndIdsAddUpToo) {
  const Ticket count = submit({push::CountGroup{"g"}, nullptr});
  const Ticket find = submit({push::FindUser{"ann"}, nullptr});
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    PushOutcome counted;
    counted.count = worker + 1;
    reply(worker, std::move(counted));
    PushOutcome found;
    found.connection_ids = {std::to_string(worker)};
    reply(worker, std::move(found));
  }
  EXPECT_EQ(asker.outcomes.at(count).count, 6U);
  EXPECT_THAT(asker.outcomes.at(find).connection_ids, ElementsAre("0", "1", "2"));
}

// ---------------------------------------------------------------------------------------------
// Listings.

TEST_F(MailboxRouterTest, APageGoesOverTheWorkersOneAfterTheOther) {
  push::List list;
  list.limit = 4;
  const Ticket ticket = *submit_list(list, "");
  reply(0, page({"a", "b"}));
  EXPECT_EQ(asked(1).limit, 2U) << "what is left of the page";
  reply(1, page({}));
  reply(2, page({"c"}));
  EXPECT_THAT(ids_of(asker.outcomes.at(ticket)), ElementsAre("a", "b", "c"));
  EXPECT_EQ(asker.outcomes.at(ticket).next_cursor, "");
}

TEST_F(MailboxRouterTest, ACursorGoesOnWhereThePageEnded) {
  push::List list;
  list.limit = 2;
  const Ticket first = *submit_list(list, "");
  reply(0, page({"a"}));
  reply(1, page({"b"}, 17));
  const std::string cursor = asker.outcomes.at(first).next_cursor;
  ASSERT_NE(cursor, "");
  const Ticket second = *submit_list(list, cursor);
  EXPECT_THAT(mailboxes[0], IsEmpty());
  EXPECT_EQ(asked(1).from_slot, 17U);
  reply(1, page({"c"}));
  EXPECT_EQ(asked(2).from_slot, 0U);
  reply(2, page({"d"}));
  EXPECT_THAT(ids_of(asker.outcomes.at(second)), ElementsAre("c", "d"));
  EXPECT_EQ(asker.outcomes.at(second).next_cursor, "");
}

TEST_F(MailboxRouterTest, AFullPageHasACursorOnlyIfOneMoreMatches) {
  push::List list;
  list.limit = 1;
  const Ticket last = *submit_list(list, "");
  reply(0, page({"a"}));
  EXPECT_EQ(asked(1).limit, 0U);
  reply(1, page({}));
  reply(2, page({}));
  EXPECT_EQ(asker.outcomes.at(last).next_cursor, "");

  const Ticket more = *submit_list(list, "");
  reply(0, page({"a"}));
  reply(1, page({}));
  reply(2, page({}, 5));
  const std::string cursor = asker.outcomes.at(more).next_cursor;
  ASSERT_TRUE(submit_list(list, cursor));
  EXPECT_EQ(asked(2).from_slot, 5U);
}

TEST_F(MailboxRouterTest, AMalformedCursorIsNone) {
  for (const char* cursor :
       {"x", "1", "1.", ".1", "1.2.3", "-1.0", "3.0", "0.99999999999", "0.1 "}) {
    EXPECT_FALSE(submit_list({}, cursor)) << cursor;
  }
}

// ---------------------------------------------------------------------------------------------
// When a worker does not take, or does not answer.

TEST_F(MailboxRouterTest, AFullMailboxIsOverloadedAndToldFromTheLoop) {
  full = {1};
  const Ticket one = submit({text_to(push::OneConnection{id_on(1)}), nullptr});
  const Ticket list = *submit_list({}, "1.0");
  EXPECT_THAT(asker.failures, IsEmpty());
  EXPECT_TRUE(runner.run_until([&] { return asker.failures.size() == 2; }));
  EXPECT_EQ(asker.failures.at(one), RouteFailure::kOverloaded);
  EXPECT_EQ(asker.failures.at(list), RouteFailure::kOverloaded);
}

TEST_F(MailboxRouterTest, ASendThatSomeWorkersTookNamesTheNodeAsUnknown) {
  full = {1};
  const Ticket ticket = submit({text_to(push::Everyone{}), nullptr});
  reply(0, counts(2));
  reply(2, counts(3));
  EXPECT_EQ(asker.outcomes.at(ticket).delivered, 5U);
  EXPECT_THAT(asker.outcomes.at(ticket).unknown_nodes, ElementsAre("gw-1"));
}

TEST_F(MailboxRouterTest, ACountThatMissedAWorkerIsNoAnswer) {
  full = {1};
  const Ticket ticket = submit({push::CountGroup{"g"}, nullptr});
  reply(0);
  reply(2);
  EXPECT_TRUE(runner.run_until([&] { return !asker.failures.empty(); }));
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kOverloaded);
  EXPECT_THAT(asker.outcomes, IsEmpty());
}

TEST_F(MailboxRouterTest, ASendThatNobodyTookIsOverloaded) {
  full = {0, 1, 2};
  const Ticket ticket = submit({text_to(push::Everyone{}), nullptr});
  EXPECT_TRUE(runner.run_until([&] { return !asker.failures.empty(); }));
  EXPECT_EQ(asker.failures.at(ticket), RouteFailure::kOverloaded);
}

TEST_F(MailboxRouterTest, NothingWaitsForAWorkerLongerThanFiveSeconds) {
  const Ticket one = submit({text_to(push::OneConnection{id_on(0)}), nullptr});
  const Ticket send = submit({text_to(push::GroupMembers{"g"}), nullptr});
  const Ticket count = submit({push::CountGroup{"g"}, nullptr});
  const Ticket list = *submit_list({}, "");
  reply(1, counts(4));
  const uint64_t began_ms = uv_hrtime() / 1'000'000;
  EXPECT_TRUE(
      runner.run_until([&] { return asker.failures.size() + asker.outcomes.size() == 4; }, 7000));
  EXPECT_GE(uv_hrtime() / 1'000'000 - began_ms, 4900U);
  EXPECT_EQ(asker.failures.at(one), RouteFailure::kTimedOut);
  EXPECT_EQ(asker.failures.at(count), RouteFailure::kTimedOut);
  EXPECT_EQ(asker.failures.at(list), RouteFailure::kTimedOut);
  EXPECT_EQ(asker.outcomes.at(send).delivered, 4U) << "what is known by then";
  EXPECT_THAT(asker.outcomes.at(send).unknown_nodes, ElementsAre("gw-1"));
  reply(0, counts(1));
  EXPECT_EQ(asker.outcomes.size(), 1U) << "a late answer is nobody's";
}

TEST_F(MailboxRouterTest, TooManyCommandsAtOnceAreRefused) {
  for (std::size_t i = 0; i < MailboxRouter::kMaxTickets; ++i) {
    submit({push::Describe{id_on(0)}, nullptr});
  }
  const Ticket one = submit({push::Describe{id_on(0)}, nullptr});
  const Ticket list = *submit_list({}, "");
  EXPECT_TRUE(runner.run_until([&] { return asker.failures.size() == 2; }));
  EXPECT_EQ(asker.failures.at(one), RouteFailure::kOverloaded);
  EXPECT_EQ(asker.failures.at(list), RouteFailure::kOverloaded);
  EXPECT_EQ(mailboxes[0].size(), MailboxRouter::kMaxTickets);
  reply(0);
  submit({push::Describe{id_on(0)}, nullptr});
  EXPECT_EQ(mailboxes[0].size(), MailboxRouter::kMaxTickets) << "one was answered, one was taken";
  router.forget(&asker);
}

TEST_F(MailboxRouterTest, AListenerThatIsForgottenHearsNothing) {
  full = {1};
  submit({push::Describe{id_on(0)}, nullptr});
  submit({push::Describe{id_on(1)}, nullptr});
  router.forget(&asker);
  reply(0);
  runner.run_for(50);
  EXPECT_THAT(asker.outcomes, IsEmpty());
  EXPECT_THAT(asker.failures, IsEmpty());
}

TEST_F(MailboxRouterTest, AListenerMaySubmitAgainFromItsOutcome) {
  full = {1};
  asker.when_told = [&] {
    asker.when_told = nullptr;
    submit({push::Describe{id_on(1)}, nullptr});
  };
  submit({push::Describe{id_on(1)}, nullptr});
  EXPECT_TRUE(runner.run_until([&] { return asker.failures.size() == 2; }));
}

}  // namespace
}  // namespace sockhook
