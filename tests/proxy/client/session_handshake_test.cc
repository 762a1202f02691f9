// From $connect to the 101, or to the refusal (contract 3.1, 3.2).

#include "tests/proxy/client/session_fixture.h"

namespace sockhook::client {
namespace {

using Outcome = WebhookResult::Outcome;
using push::Delivery;

class SessionHandshake : public SessionTest {
 protected:
  uint64_t handshakes(observe::HandshakeResult result) {
    return metrics().handshakes[result].value();
  }
};

TEST_F(SessionHandshake, NothingIsSentBeforeTheBackendHasAccepted) {
  Client& client = connect();
  EXPECT_FALSE(client.is_upgraded());
  EXPECT_EQ(find(client)->state(), Session::State::kConnecting);
  answer(client, 200);
  EXPECT_EQ(client.take_head(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: accept-key\r\n\r\n");
  EXPECT_TRUE(find(client)->is_open());
  EXPECT_EQ(handshakes(observe::HandshakeResult::kAccepted), 1U);
}

TEST_F(SessionHandshake, WithoutAConnectRouteEveryClientIsAccepted) {
  endpoint().routes.connect.reset();
  Client& client = connect();
  EXPECT_TRUE(client.is_upgraded());
  EXPECT_THAT(running(), IsEmpty());
  client.send_close(1000);
  settle();
  EXPECT_THAT(ends(), ElementsAre("1000 client")) << "it still gets its $disconnect";
}

TEST_F(SessionHandshake, ARefusalGoesToTheClientAndNoDisconnectFollows) {
  Client& client = connect();
  answer(client, 403, {{"X-Why", "because"}, {"Sockhook-State", "s"}}, "go away");
  EXPECT_EQ(client.refused, 403);
  EXPECT_EQ(client.refusal_body, "go away");
  EXPECT_TRUE(client.refusal_headers.contains("X-Why"));
  EXPECT_FALSE(client.refusal_headers.contains("Sockhook-State"));
  EXPECT_TRUE(is_gone(client));
  EXPECT_THAT(ends(), IsEmpty());
  EXPECT_EQ(handshakes(observe::HandshakeResult::kRefused), 1U);
}

TEST_F(SessionHandshake, AFailingBackendIs5xxToTheClientAndOwedADisconnect) {
  struct Case {
    std::function<void(Client&)> end;
    int status;
  };
  const Case cases[] = {
      {[this](Client& client) { answer(client, 500); }, 500},
      {[this](Client& client) { answer(client, 200, {}, "\xFF"); }, 502},
      {[this](Client& client) {
         answer(client, 200, {{"Sec-WebSocket-Protocol", "x"}});
       },
       502},
      {[this](Client& client) { fail(client, Outcome::kBroken); }, 502},
      {[this](Client& client) { fail(client, Outcome::kTimedOut); }, 504},
  };
  for (const Case& failing : cases) {
    Client& client = connect();
    failing.end(client);
    EXPECT_EQ(client.refused, failing.status);
    EXPECT_TRUE(is_gone(client));
  }
  EXPECT_THAT(ends(),
              ElementsAre("1006 proxy", "1006 proxy", "1006 proxy", "1006 proxy", "1006 proxy"));
}

TEST_F(SessionHandshake, ABackendThatCannotHaveReadTheConnectIsToldNothing) {
  fail(connect(), Outcome::kUnreachable, false);
  fail(connect(), Outcome::kTimedOut, false);
  EXPECT_THAT(ends(), IsEmpty());
}

TEST_F(SessionHandshake, TheProtocolThatTheBackendNamesIsNegotiated) {
  Client& client = connect({}, {"v1", "v2"});
  answer(client, 200, {{"Sec-WebSocket-Protocol", "v2"}, {"Set-Cookie", "a=b"}});
  const std::string head = client.take_head();
  EXPECT_NE(head.find("\r\nSec-WebSocket-Protocol: v2\r\n"), std::string::npos);
  EXPECT_NE(head.find("\r\nSet-Cookie: a=b\r\n"), std::string::npos);
  EXPECT_EQ(find(client)->describe().subprotocol, "v2");
}

TEST_F(SessionHandshake, ElseTheFirstOfferedThatTheEndpointLists) {
  endpoint().protocols = {"v3", "v2"};
  Client& client = connect({}, {"v1", "v2", "v3"});
  answer(client, 200);
  EXPECT_NE(client.take_head().find("\r\nSec-WebSocket-Protocol: v2\r\n"), std::string::npos);
}

TEST_F(SessionHandshake, TheAnswersFramesComeBeforeWhatWasPushedMeanwhile) {
  Client& client = connect();
  EXPECT_EQ(push_text(client, "pushed"), Delivery::kHeld);
  EXPECT_EQ(metrics().messages_out.value(), 0U);
  answer(client, 200, {{"Content-Type", "application/x-ndjson"}}, "one\ntwo\n");
  EXPECT_THAT(client.frames(), ElementsAre("text one", "text two", "text pushed"));
  EXPECT_EQ(metrics().messages_out.value(), 3U);
  EXPECT_EQ(metrics().message_bytes_out.value(), 12U);
}

TEST_F(SessionHandshake, PushesAreHeldUpToTheSendQueueAndThenDelivered) {
  limits().send_queue = 100;
  Client& client = connect();
  EXPECT_EQ(push_text(client, std::string(58, 'a')), Delivery::kHeld);
  EXPECT_EQ(push_text(client, std::string(38, 'b')), Delivery::kHeld);
  EXPECT_EQ(push_text(client, "c"), Delivery::kSlow);
  answer(client, 200, {}, "first");
  EXPECT_THAT(client.frames(), ElementsAre("text first", "text " + std::string(58, 'a'),
                                           "text " + std::string(38, 'b')));
  EXPECT_TRUE(find(client)->is_open());
}

TEST_F(SessionHandshake, AnyOneMessageIsHeldWhateverTheSendQueue) {
  limits().send_queue = 100;
  Client& client = connect();
  EXPECT_EQ(push_text(client, std::string(1000, 'a')), Delivery::kHeld);
  EXPECT_EQ(push_text(client, "b"), Delivery::kSlow);
  answer(client, 200, {}, std::string(200, 'x'));
  EXPECT_THAT(client.frames(),
              ElementsAre("text " + std::string(200, 'x'), "text " + std::string(1000, 'a')));
  EXPECT_TRUE(find(client)->is_open());
}

TEST_F(SessionHandshake, APushThatIsTooLargeIsNotHeld) {
  limits().message_size = 10;
  EXPECT_EQ(push_text(connect(), std::string(11, 'x')), Delivery::kTooLarge);
}

TEST_F(SessionHandshake, HeldPushesAreDiscardedWhenConnectRefuses) {
  Client& client = connect();
  EXPECT_EQ(push_text(client, "held"), Delivery::kHeld);
  answer(client, 401);
  EXPECT_EQ(push_text(client, "late"), Delivery::kGone);
  EXPECT_EQ(metrics().messages_out.value(), 0U);
}

TEST_F(SessionHandshake, AMembershipPutMeanwhileAppliesAfterTheEffects) {
  Client& client = connect();
  Session& session = *find(client);
  EXPECT_EQ(session.set_membership("put", true), Delivery::kDone);
  EXPECT_EQ(session.set_membership("joined", false), Delivery::kDone);
  EXPECT_EQ(session.set_membership("twice", false), Delivery::kDone);
  EXPECT_EQ(session.set_membership("twice", true), Delivery::kDone);
  EXPECT_FALSE(session.is_member("put"));
  answer(client, 200, {{"Sockhook-Join", "joined"}});
  EXPECT_TRUE(session.is_member("put"));
  EXPECT_TRUE(session.is_member("twice"));
  EXPECT_FALSE(session.is_member("joined"));
}

TEST_F(SessionHandshake, ItIsDescribedWithoutATimeOfConnection) {
  Client& client = connect();
  EXPECT_FALSE(find(client)->describe().connected_at_ms.has_value());
  answer(client, 200, {{"Sockhook-User", "ann"}});
  EXPECT_TRUE(find(client)->describe().connected_at_ms.has_value());
  EXPECT_EQ(find(client)->describe().user, "ann");
}

TEST_F(SessionHandshake, ADeleteMeanwhileIs403AndTheDisconnectSaysBackend) {
  Client& client = connect();
  EXPECT_EQ(find(client)->close(4000, "x"), Delivery::kDone);
  EXPECT_EQ(client.refused, 403);
  EXPECT_TRUE(find(client)->is_gone());
  EXPECT_EQ(find(client)->close(4000, "x"), Delivery::kGone);
  EXPECT_EQ(find(client)->set_membership("g", true), Delivery::kGone);
  EXPECT_THAT(ends(), IsEmpty()) << "its $connect still runs";
  answer(client, 200);
  EXPECT_THAT(ends(), ElementsAre("1006 backend"));
  EXPECT_TRUE(is_gone(client));
}

TEST_F(SessionHandshake, ADeleteBeforeARefusalOwesNoDisconnect) {
  Client& client = connect();
  find(client)->close(1000, {});
  answer(client, 401);
  EXPECT_THAT(ends(), IsEmpty());
  EXPECT_TRUE(is_gone(client));
}

TEST_F(SessionHandshake, AClientThatLeavesMeanwhileGetsItsDisconnectAfterTheAnswer) {
  Client& client = connect();
  find(client)->on_handshake_aborted();
  EXPECT_THAT(ends(), IsEmpty());
  answer(client, 200, {{"Sockhook-User", "ann"}, {"Sockhook-State", "red"}});
  EXPECT_THAT(ends(), ElementsAre("1006 client"));
  EXPECT_EQ(webhooks().disconnects[0].job.facts->user, "ann");
  EXPECT_EQ(webhooks().disconnects[0].job.facts->state, "red");
  EXPECT_EQ(client.refused, 0);
  EXPECT_EQ(handshakes(observe::HandshakeResult::kClientGone), 1U);
}

TEST_F(SessionHandshake, OneConnectionTooManyOfAUserIs429AndADisconnectFollows) {
  limits().connections_per_user = 1;
  const http::Headers ann = {{"Sockhook-User", "ann"}};
  Client& first = open(ann);
  Client& second = connect();
  answer(second, 200, ann);
  EXPECT_EQ(second.refused, 429);
  EXPECT_THAT(ends(), ElementsAre("1006 proxy"));
  EXPECT_EQ(webhooks().disconnects[0].job.facts->user, "ann");

  first.send_close(1000);
  settle();
  Client& third = connect();
  answer(third, 200, ann);
  EXPECT_TRUE(third.is_upgraded()) << "the place is free again";
}

TEST_F(SessionHandshake, ACloseOfTheAnswerComesBehindItsFramesAndHeldPushes) {
  Client& client = connect();
  push_text(client, "held");
  answer(client, 200, {{"Sockhook-Close", "4001 bye"}}, "hello");
  EXPECT_THAT(client.frames(), ElementsAre("text hello", "text held", "close 4001 bye"));
  EXPECT_EQ(push_text(client, "late"), Delivery::kGone);
  client.send_close(4001);
  settle();
  EXPECT_THAT(ends(), ElementsAre("4001 backend bye"));
}

TEST_F(SessionHandshake, WhatCameBehindTheHandshakeIsReadAfterThe101) {
  Client& client = connect(sockhook::testing::client_frame(Opcode::kText, "early") +
                           sockhook::testing::client_frame(Opcode::kText, "next"));
  answer(client, 200, {}, "welcome");
  EXPECT_THAT(client.frames(), ElementsAre("text welcome"));
  EXPECT_THAT(running(), ElementsAre("early"));
  answer(client, 204);
  EXPECT_THAT(running(), ElementsAre("next"));
}

TEST_F(SessionHandshake, ADrainCompletesItAndClosesIt) {
  Client& client = connect();
  find(client)->drain();
  EXPECT_FALSE(client.is_upgraded());
  answer(client, 200, {}, "welcome");
  EXPECT_THAT(client.frames(), ElementsAre("text welcome", "close 1012 service restart"));
  EXPECT_TRUE(client.stream->is_reading()) << "for the client's close frame";
}

TEST_F(SessionHandshake, AKillRefusesItAndStillOwesTheDisconnect) {
  Client& client = connect();
  find(client)->kill();
  EXPECT_EQ(client.refused, 503);
  EXPECT_TRUE(is_gone(client));
  EXPECT_THAT(ends(), ElementsAre("1006 proxy"));
}

}  // namespace
}  // namespace sockhook::client
