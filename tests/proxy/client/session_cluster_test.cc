// What a session tells the cluster, and what becomes of it when its node was declared dead
// (contract 8).

#include "proxy/client/corks.h"
#include "tests/proxy/client/session_fixture.h"

namespace sockhook::client {
namespace {

using Outcome = WebhookResult::Outcome;

class Heard final : public routing::ConnectionJournal {
 public:
  void named(backplane::NameKind kind, std::string_view name, const webhook::ConnectionId&,
             bool is_member) override {
    const std::string what = kind == backplane::NameKind::kGroup ? "group " : "user ";
    lines.push_back((is_member ? "+" : "-") + what + std::string(name));
  }
  void opened(const routing::FactsPtr& facts) override {
    lines.push_back("opened " + facts->user + "/" + facts->state);
  }
  void changed(const routing::FactsPtr& facts) override {
    lines.push_back("changed " + facts->user + "/" + facts->state);
  }
  void owed(const routing::WebhookJob&) override { lines.emplace_back("owed"); }
  void settled(const webhook::ConnectionId&) override { lines.emplace_back("settled"); }

  Frames take() { return std::exchange(lines, {}); }
  Frames lines;
};

class SessionClusterTest : public SessionTest {
 protected:
  SessionClusterTest() { journal = &heard; }

  static http::Headers effects() {
    return {{"Sockhook-User", "ann"}, {"Sockhook-State", "s1"}, {"Sockhook-Join", "red, blue"}};
  }
  void begin_new_life() { hub().begin_life(fresh); }

  Heard heard;
  const webhook::IdScheme fresh{webhook::NodeKey{{7, 7, 7, 7, 7, 7}}, {}};
};

TEST_F(SessionClusterTest, TheJournalHearsNamesAndWhatConnectHasSet) {
  Client& client = open(effects());
  EXPECT_THAT(heard.take(), ElementsAre("+user ann", "+group red", "+group blue", "opened ann/s1"));
  find(client)->set_membership("red", true);
  find(client)->set_membership("green", false);
  EXPECT_THAT(heard.take(), IsEmpty()) << "nothing has changed";
  find(client)->set_membership("red", false);
  EXPECT_THAT(heard.take(), ElementsAre("-group red"));
  client.send_close(1000);
  EXPECT_THAT(heard.take(), ElementsAre("-group blue", "-user ann"));
  settle();
  EXPECT_TRUE(is_gone(client));
  EXPECT_THAT(ends(), ElementsAre("1000 client"));
  EXPECT_THAT(heard.take(), IsEmpty()) << "what becomes of the $disconnect is not the session's";
}

TEST_F(SessionClusterTest, AStateThatChangesIsToldAndOneThatStaysIsNot) {
  Client& client = open(effects());
  heard.take();
  client.say("a");
  answer(client, 200, {{"Sockhook-State", "s1"}});
  EXPECT_THAT(heard.take(), IsEmpty());
  client.say("b");
  answer(client, 200, {{"Sockhook-State", "s2"}});
  client.say("c");
  answer(client, 200, {{"Sockhook-State", ""}});
  EXPECT_THAT(heard.take(), ElementsAre("changed ann/s2", "changed ann/"));
}

TEST_F(SessionClusterTest, WhoWasRefusedIsOwedNothing) {
  Client& refused = connect();
  answer(refused, 403);
  EXPECT_THAT(heard.take(), ElementsAre("settled"));
  Client& unreachable = connect();
  fail(unreachable, Outcome::kUnreachable, false);
  EXPECT_THAT(heard.take(), ElementsAre("settled"));
  Client& timed_out = connect();
  fail(timed_out, Outcome::kTimedOut);
  EXPECT_THAT(heard.take(), IsEmpty()) << "its $disconnect is on the way";
  EXPECT_THAT(ends(), ElementsAre("1006 proxy"));
}

TEST_F(SessionClusterTest, ASessionHasARecordWhileItsDisconnectWouldBeSent) {
  Client& client = connect();
  EXPECT_TRUE(find(client)->has_record()) << "the backend may know of it already";
  answer(client, 200);
  EXPECT_TRUE(find(client)->has_record());
  begin_new_life();
  std::size_t closing = 0;
  hub().for_every([&](Session& session) {
    ++closing;
    EXPECT_FALSE(session.has_record());
  });
  EXPECT_EQ(closing, 1U);
}

TEST_F(SessionClusterTest, WithoutARouteForDisconnectThereIsNoRecord) {
  endpoint().routes.disconnect.reset();
  EXPECT_FALSE(find(open())->has_record());
}

TEST_F(SessionClusterTest, InANewLifeOpenConnectionsCloseWithoutDisconnect) {
  Client& client = open(effects());
  heard.take();
  begin_new_life();
  EXPECT_THAT(client.frames(), ElementsAre("close 1012 node lost"));
  EXPECT_TRUE(is_gone(client)) << "for pushes, at once";
  EXPECT_EQ(hub().size(), 1U) << "while the close handshake lasts";
  client.say("too late");
  EXPECT_THAT(running(), IsEmpty());
  client.send_close(1012);
  settle();
  EXPECT_EQ(hub().size(), 0U);
  EXPECT_THAT(ends(), IsEmpty());
}

TEST_F(SessionClusterTest, TheirSlotsAreUsedAgainByTheNewLife) {
  Client& old = open();
  begin_new_life();
  Client& other = open();
  EXPECT_EQ(other.id.node_key(), fresh.node_key());
  EXPECT_EQ(fresh.locate(other.id)->slot, 1U) << "the old one still has its slot";
  old.send_close(1012);
  settle();
  Client& next = open();
  EXPECT_EQ(fresh.locate(next.id)->slot, 0U);
  EXPECT_EQ(find(next)->facts().id, next.id);
  EXPECT_EQ(push_text(next, "hi"), push::Delivery::kDone);
  EXPECT_EQ(push_text(old, "hi"), push::Delivery::kGone);
}

TEST_F(SessionClusterTest, HandshakesUnderWayAreRefused) {
  Client& waiting = connect();
  Client& abandoned = connect();
  find(abandoned)->on_handshake_aborted();
  begin_new_life();
  EXPECT_EQ(waiting.refused, 503);
  EXPECT_EQ(abandoned.refused, 0);
  EXPECT_EQ(hub().size(), 0U);
  EXPECT_THAT(ends(), IsEmpty());
  EXPECT_THAT(heard.take(), IsEmpty());
  EXPECT_EQ(metrics().handshakes[observe::HandshakeResult::kNodeLost].value(), 1U);
  webhooks().running.clear();  // the webhook side drops them
}

TEST_F(SessionClusterTest, WhatWaitsBehindAWebhookIsDropped) {
  Client& client = open();
  client.say("runs");
  client.say("waits");
  client.send(Opcode::kText, "waits too");
  ASSERT_THAT(running(), ElementsAre("runs"));
  begin_new_life();
  EXPECT_THAT(client.frames(), ElementsAre("close 1012 node lost"));
  client.send_close(1012);
  settle();
  EXPECT_EQ(hub().size(), 0U);
  EXPECT_THAT(running(), ElementsAre("runs"));
  webhooks().running.clear();
}

TEST_F(SessionClusterTest, ThoseThatWereEndingEndToo) {
  // One in its close handshake, one whose client has vanished behind messages that wait, one whose
  // socket is gone while a webhook runs.
  Client& closing = open();
  find(closing)->close(4000, "bye");
  Client& vanished = open();
  vanished.say("runs");
  vanished.say("waits");
  vanished.stream->fail_write(UV_EPIPE);
  Client& finishing = open();
  finishing.say("runs");
  finishing.stream->deliver_end();
  settle();
  begin_new_life();
  settle();
  EXPECT_EQ(hub().size(), 1U) << "the first waits for the client's close frame";
  closing.send_close(4000);
  settle();
  EXPECT_EQ(hub().size(), 0U);
  EXPECT_THAT(ends(), IsEmpty());
  EXPECT_EQ(running().size(), 2U) << "no message has followed";
  webhooks().running.clear();
}

TEST_F(SessionClusterTest, AClientThatDoesNotAnswerTheCloseIsCutOff) {
  Client& client = open();
  client.say("runs");  // its socket may not be read just now
  client.say("waits");
  begin_new_life();
  EXPECT_TRUE(client.stream->is_reading()) << "or its close frame would never come";
  EXPECT_TRUE(runner.run_until([&] { return client.was_reset(); }, 6500));
  settle();
  EXPECT_EQ(hub().size(), 0U);
  webhooks().running.clear();
}

TEST_F(SessionClusterTest, FramesOfABatchStillGoOut) {
  Client& client = open();
  {
    Corks corks(hub(), true);
    hub().execute({push::Send{push::OneConnection{client.id},
                              websocket::encode_frame(Opcode::kText, "hi"), 2, nullptr},
                   nullptr});
    begin_new_life();
  }
  EXPECT_THAT(client.frames(), ElementsAre("text hi", "close 1012 node lost"));
}

TEST_F(SessionClusterTest, RecordsAreVisitedAPartAtATime) {
  const auto clients = open_many(7);
  clients[2]->send_close(1000);
  settle();
  std::vector<std::size_t> parts;
  std::optional<uint32_t> next = 0;
  while (next) {
    std::size_t visited = 0;
    next = hub().for_some(*next, 3, [&](const Session&) { ++visited; });
    parts.push_back(visited);
  }
  EXPECT_THAT(parts, ElementsAre(2, 3, 1));
}

}  // namespace
}  // namespace sockhook::client
