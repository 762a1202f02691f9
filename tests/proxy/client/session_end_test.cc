// How a connection ends, and what its $disconnect says (contract 3.3, 3.4, 9).

#include "tests/proxy/client/session_fixture.h"

namespace sockhook::client {
namespace {

using push::Delivery;

class SessionEnd : public SessionTest {
 protected:
  uint64_t closes(uint16_t code, observe::ClosedBy by) {
    uint64_t count = 0;
    metrics().closes[static_cast<std::size_t>(by)].each(
        [&](uint16_t seen, uint64_t n) { count += seen == code ? n : 0; });
    return count;
  }
};

TEST_F(SessionEnd, AClientsCloseIsAnsweredAndNamesTheCode) {
  Client& client = open();
  client.send_close(4005, "tired");
  EXPECT_THAT(client.frames(), ElementsAre("close 4005"));
  EXPECT_TRUE(client.is_closed());
  settle();
  EXPECT_TRUE(is_gone(client));
  EXPECT_THAT(ends(), ElementsAre("4005 client tired"));
  EXPECT_EQ(closes(4005, observe::ClosedBy::kClient), 1U);
}

TEST_F(SessionEnd, ACloseWithoutACodeIs1005) {
  Client& client = open();
  client.send(Opcode::kClose, {});
  EXPECT_THAT(client.frames(), ElementsAre("close"));
  settle();
  EXPECT_THAT(ends(), ElementsAre("1005 client"));
}

TEST_F(SessionEnd, AClientThatVanishesIs1006) {
  Client& orderly = open();
  orderly.stream->deliver_end();
  Client& reset = open();
  reset.stream->deliver_end(UV_ECONNRESET);
  settle();
  EXPECT_THAT(ends(), ElementsAre("1006 client", "1006 client"));
}

TEST_F(SessionEnd, MessagesThatCameBeforeTheCloseAreDeliveredBeforeTheDisconnect) {
  Client& client = open();
  client.say("1");
  client.say("2");
  client.send_close(1000);
  EXPECT_THAT(client.frames(), IsEmpty()) << "the close has its place behind the messages";
  answer(client, 204);
  EXPECT_THAT(running(), ElementsAre("2"));
  EXPECT_THAT(ends(), IsEmpty());
  answer(client, 200, {}, "late");
  EXPECT_THAT(client.frames(), ElementsAre("text late", "close 1000"));
  EXPECT_THAT(ends(), ElementsAre("1000 client"));
  EXPECT_TRUE(is_gone(client));
}

TEST_F(SessionEnd, MessagesOfAClientThatVanishedAreDeliveredToo) {
  Client& client = open();
  const auto frame = [](std::string_view text) {
    return sockhook::testing::client_frame(Opcode::kText, text);
  };
  client.stream->deliver(frame("1") + frame("2") + frame("3"));
  client.stream->deliver_end();
  settle();
  EXPECT_EQ(find(client)->state(), Session::State::kFinishing);
  answer(client, 200, {{"Sockhook-State", "of 1"}}, "nobody reads it");
  answer(client, 204);
  EXPECT_THAT(running(), ElementsAre("3"));
  EXPECT_THAT(ends(), IsEmpty());
  answer(client, 204);
  EXPECT_THAT(ends(), ElementsAre("1006 client"));
  EXPECT_EQ(webhooks().disconnects[0].job.facts->state, "of 1");
  EXPECT_TRUE(is_gone(client));
}

TEST_F(SessionEnd, ACloseThatWaitedBehindMessagesNamesTheCodeThoughTheClientVanished) {
  Client& client = open();
  client.stream->deliver(sockhook::testing::client_frame(Opcode::kText, "slow") +
                         sockhook::testing::client_frame(
                             Opcode::kClose, websocket::encode_close_body(4007, "gave up")));
  client.stream->deliver_end();
  settle();
  answer(client, 204);
  EXPECT_THAT(ends(), ElementsAre("4007 client gave up"));
  EXPECT_EQ(closes(4007, observe::ClosedBy::kClient), 1U);
  EXPECT_EQ(closes(1006, observe::ClosedBy::kClient), 0U);
}

TEST_F(SessionEnd, WhatAClientSentBeforeItVanishedIsDeliveredThoughTheSocketWasNotRead) {
  Client& client = open({{"Sockhook-Join", "g"}});
  for (const char* text : {"1", "2", "3", "4"}) client.say(text);
  ASSERT_FALSE(client.stream->is_reading());
  client.stream->deliver_end(UV_ECONNRESET);
  client.stream->fail_write(UV_EPIPE);
  EXPECT_EQ(hub().groups().find("g"), nullptr) << "it is gone for everybody else";
  EXPECT_EQ(push_text(client, "x"), Delivery::kGone);
  for (const char* text : {"1", "2", "3", "4"}) {
    ASSERT_THAT(running(), ElementsAre(text));
    EXPECT_THAT(ends(), IsEmpty());
    answer(client, 200, {}, "nobody reads it");
  }
  EXPECT_THAT(ends(), ElementsAre("1006 client"));
  EXPECT_TRUE(is_gone(client));
}

TEST_F(SessionEnd, AWriteThatFailsWhileTheSocketIsReadEndsWithItsInput) {
  Client& client = open();
  client.stream->fail_write(UV_EPIPE);
  EXPECT_FALSE(client.is_closed());
  client.say("sent before");
  EXPECT_THAT(running(), ElementsAre("sent before"));
  client.stream->deliver_end();
  settle();
  answer(client, 204);
  EXPECT_THAT(ends(), ElementsAre("1006 client"));
}

TEST_F(SessionEnd, AWriteThatFailsInACloseHandshakeEndsIt) {
  Client& client = open();
  client.say("1");
  client.say("2");
  find(client)->close(4001, "bye");
  client.stream->fail_write(UV_EPIPE);
  settle();
  answer(client, 204);
  answer(client, 204);
  EXPECT_THAT(ends(), ElementsAre("4001 backend bye"));
}

TEST_F(SessionEnd, TheBackendsCloseNamesItsCodeWhateverTheClientAnswers) {
  Client& client = open();
  EXPECT_EQ(find(client)->close(4010, "moved"), Delivery::kDone);
  EXPECT_THAT(client.frames(), ElementsAre("close 4010 moved"));
  EXPECT_FALSE(client.is_closed()) << "the close handshake comes first";
  EXPECT_THAT(ends(), IsEmpty());
  client.send_close(1000);
  settle();
  EXPECT_THAT(ends(), ElementsAre("4010 backend moved"));
}

TEST_F(SessionEnd, TheFirstCloseWins) {
  Client& client = open();
  EXPECT_EQ(find(client)->close(4001, {}), Delivery::kDone);
  EXPECT_EQ(find(client)->close(4002, {}), Delivery::kGone);
  client.stream->deliver_end();
  settle();
  EXPECT_THAT(ends(), ElementsAre("4001 backend"));
}

TEST_F(SessionEnd, AClosingConnectionIsGoneForEverybodyElse) {
  Client& client = open({{"Sockhook-Join", "g"}, {"Sockhook-User", "ann"}});
  find(client)->close(1000, {});
  EXPECT_TRUE(find(client)->is_gone());
  EXPECT_EQ(push_text(client, "x"), Delivery::kGone);
  EXPECT_EQ(find(client)->set_membership("g", true), Delivery::kGone);
  EXPECT_EQ(hub().groups().find("g"), nullptr);
  EXPECT_EQ(hub().users().find("ann"), nullptr);
}

TEST_F(SessionEnd, AMessageBehindOurCloseIsNotDelivered) {
  Client& client = open();
  find(client)->close(1000, {});
  client.say("too late");
  EXPECT_THAT(running(), IsEmpty());
}

TEST_F(SessionEnd, MessagesThatWaitWhenWeCloseAreDelivered) {
  Client& client = open();
  const auto frame = [](std::string_view text) {
    return sockhook::testing::client_frame(Opcode::kText, text);
  };
  client.stream->deliver(frame("1") + frame("2") + frame("3"));
  find(client)->close(1000, {});
  client.say("4");
  answer(client, 204);
  answer(client, 204);
  EXPECT_THAT(running(), ElementsAre("3"));
  answer(client, 204);
  EXPECT_THAT(running(), IsEmpty()) << "it had not been read by then";
}

TEST_F(SessionEnd, TheCloseHandshakeDoesNotWaitForAWebhook) {
  Client& client = open();
  client.say("slow");
  find(client)->close(1000, {});
  client.send_close(1000);
  EXPECT_TRUE(client.is_closed());
  settle();
  EXPECT_THAT(ends(), IsEmpty()) << "its webhook runs";
  answer(client, 200, {{"Sockhook-State", "s"}}, "nobody reads it");
  EXPECT_THAT(ends(), ElementsAre("1000 backend"));
  EXPECT_EQ(webhooks().disconnects[0].job.facts->state, "s");
}

TEST_F(SessionEnd, OurAnswerToACloseIsWrittenBeforeTheSocketCloses) {
  Client& client = open();
  client.stream->block();
  push_text(client, "queued");
  client.send_close(1000);
  EXPECT_FALSE(client.is_closed());
  client.stream->unblock();
  EXPECT_THAT(client.frames(), ElementsAre("text queued", "close 1000"));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(SessionEnd, WithoutADisconnectRouteNothingIsSent) {
  endpoint().routes.disconnect.reset();
  Client& client = open();
  client.send_close(1000);
  settle();
  EXPECT_THAT(ends(), IsEmpty());
  EXPECT_TRUE(is_gone(client));
}

// ---------------------------------------------------------------------------------------------
// Drain.

TEST_F(SessionEnd, ADrainClosesAnIdleConnectionAtOnce) {
  Client& client = open();
  find(client)->drain();
  EXPECT_THAT(client.frames(), ElementsAre("close 1012 service restart"));
  client.send_close(1012);
  settle();
  EXPECT_THAT(ends(), ElementsAre("1012 proxy service restart"));
}

TEST_F(SessionEnd, ADrainWaitsForTheRunningWebhookAndItsFrames) {
  Client& client = open();
  client.say("x");
  find(client)->drain();
  EXPECT_THAT(client.frames(), IsEmpty());
  answer(client, 200, {}, "y");
  EXPECT_THAT(client.frames(), ElementsAre("text y", "close 1012 service restart"));
}

TEST_F(SessionEnd, ADrainDeliversWhatHasBeenReadAndReadsNoMore) {
  Client& client = open();
  client.say("1");
  client.say("2");
  find(client)->drain();
  client.say("never read");
  answer(client, 204);
  EXPECT_THAT(running(), ElementsAre("2"));
  answer(client, 204);
  EXPECT_THAT(client.frames(), ElementsAre("close 1012 service restart"));
  EXPECT_THAT(running(), IsEmpty());
  client.send_close(1012);
  settle();
  EXPECT_TRUE(is_gone(client));
}

TEST_F(SessionEnd, ADrainDoesNotCloseTwice) {
  Client& client = open();
  find(client)->drain();
  find(client)->drain();
  EXPECT_THAT(client.frames(), ElementsAre("close 1012 service restart"));
}

TEST_F(SessionEnd, AKillEndsAConnectionWhateverRuns) {
  Client& idle = open();
  Client& busy = open();
  busy.say("1");
  busy.say("2");
  Client& finishing = open();
  finishing.say("1");
  finishing.stream->deliver_end();
  settle();
  for (Client* client : {&idle, &busy, &finishing}) find(*client)->kill();
  settle();
  EXPECT_EQ(hub().size(), 0U);
  EXPECT_TRUE(idle.was_reset());
  // In the order in which their sockets ended.
  EXPECT_THAT(ends(), ::testing::UnorderedElementsAre("1012 proxy service restart",
                                                      "1012 proxy service restart", "1006 client"));
}

}  // namespace
}  // namespace sockhook::client
