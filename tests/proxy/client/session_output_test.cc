// Pushes to an open connection, and its queue (contract 2, `send_queue` and `slow_client`; 6).

#include "tests/proxy/client/session_fixture.h"

namespace sockhook::client {
namespace {

using push::Delivery;

class SessionOutput : public SessionTest {};

TEST_F(SessionOutput, APushIsAFrameAndCounted) {
  Client& client = open();
  EXPECT_EQ(push_text(client, "hello"), Delivery::kDone);
  EXPECT_EQ(push_text(client, ""), Delivery::kDone);
  EXPECT_THAT(client.frames(), ElementsAre("text hello", "text"));
  EXPECT_EQ(metrics().messages_out.value(), 2U);
  EXPECT_EQ(metrics().message_bytes_out.value(), 5U);
}

TEST_F(SessionOutput, APushOverTheMessageSizeIsTooLargeAndTheConnectionStaysOpen) {
  limits().message_size = 5;
  Client& client = open();
  EXPECT_EQ(push_text(client, "12345"), Delivery::kDone);
  EXPECT_EQ(push_text(client, "123456"), Delivery::kTooLarge);
  EXPECT_TRUE(find(client)->is_open());
}

TEST_F(SessionOutput, AnEmptyQueueTakesAnyOneMessage) {
  limits().send_queue = 10;
  Client& client = open();
  client.stream->block();
  EXPECT_EQ(push_text(client, std::string(1000, 'x')), Delivery::kDone);
  EXPECT_TRUE(find(client)->is_open());
}

TEST_F(SessionOutput, AQueueThatOverflowsClosesASlowClient) {
  limits().send_queue = 100;
  Client& client = open({{"Sockhook-Join", "g"}});
  client.stream->block();
  EXPECT_EQ(push_text(client, std::string(98, 'a')), Delivery::kDone);
  EXPECT_EQ(push_text(client, "b"), Delivery::kSlow);
  EXPECT_EQ(push_text(client, "c"), Delivery::kGone);
  EXPECT_EQ(hub().groups().find("g"), nullptr);
  EXPECT_EQ(world().metrics.slow_clients.value(), 1U);
  client.stream->unblock();
  EXPECT_THAT(client.frames(),
              ElementsAre("text " + std::string(98, 'a'), "close 1008 slow client"));
  client.stream->deliver_end();
  settle();
  EXPECT_THAT(ends(), ElementsAre("1008 proxy slow client"));
}

TEST_F(SessionOutput, DropLeavesASlowClientOpenAndDropsWhatDoesNotFit) {
  limits().send_queue = 100;
  limits().slow_client = conf::SlowClient::kDrop;
  Client& client = open();
  client.stream->block();
  EXPECT_EQ(push_text(client, std::string(98, 'a')), Delivery::kDone);
  EXPECT_EQ(push_text(client, "b"), Delivery::kSlow);
  EXPECT_EQ(push_text(client, "c"), Delivery::kSlow);
  client.stream->unblock();
  EXPECT_EQ(push_text(client, "d"), Delivery::kDone);
  EXPECT_THAT(client.frames(), ElementsAre("text " + std::string(98, 'a'), "text d"));
}

TEST_F(SessionOutput, AnAnswerOverflowsTheQueueLikeAPush) {
  limits().send_queue = 20;
  Client& client = open();
  client.stream->block();
  client.say("x");
  answer(client, 200, {{"Content-Type", "application/x-ndjson"}}, "one\n" + std::string(30, 'x'));
  EXPECT_FALSE(find(client)->is_open());
}

TEST_F(SessionOutput, WhatGathersUnderACorkMakesNobodySlow) {
  limits().send_queue = 100;
  Client& client = open();
  Session& session = *find(client);
  client.stream->take_writes();
  EXPECT_TRUE(session.cork());
  EXPECT_FALSE(session.cork()) << "it is corked already";
  EXPECT_EQ(push_text(client, std::string(90, 'a')), Delivery::kDone);
  EXPECT_EQ(client.peer.received, "") << "it gathers";
  EXPECT_EQ(push_text(client, std::string(90, 'b')), Delivery::kDone);
  session.uncork();
  EXPECT_THAT(client.frames(),
              ElementsAre("text " + std::string(90, 'a'), "text " + std::string(90, 'b')));
}

TEST_F(SessionOutput, ADescriptionTellsWhatIsKnown) {
  Client& client = open({{"Sockhook-User", "ann"}, {"Sockhook-Join", "a, b"}});
  const push::ConnectionInfo info = find(client)->describe();
  EXPECT_EQ(info.id, client.id.view());
  EXPECT_EQ(info.endpoint, "chat");
  EXPECT_EQ(info.user, "ann");
  EXPECT_THAT(info.groups, ElementsAre("a", "b"));
  EXPECT_EQ(info.remote_address, "192.0.2.1");
  EXPECT_GE(*info.connected_at_ms, info.handshake_at_ms);
}

}  // namespace
}  // namespace sockhook::client
