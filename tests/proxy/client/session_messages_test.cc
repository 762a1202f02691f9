// Messages, their webhooks and what comes back (contract 3.3, 4.1, 4.3, 5.1).

#include "tests/proxy/client/session_fixture.h"

namespace sockhook::client {
namespace {

using Outcome = WebhookResult::Outcome;

class SessionMessages : public SessionTest {
 protected:
  std::string error_frame(const Client& client, std::string_view message, uint64_t number) {
    return "text {\"message\": \"" + std::string(message) + "\", \"connectionId\":\"" +
           client.id.to_string() + "\", \"requestId\":\"" + client.id.to_string() + "-" +
           std::to_string(number) + "\"}";
  }
};

TEST_F(SessionMessages, AMessageBecomesAWebhookWithANumberOfItsOwn) {
  Client& client = open();
  client.say("one");
  answer(client, 204);
  client.send(Opcode::kBinary, "two");
  ASSERT_THAT(running(), ElementsAre("two"));
  const routing::WebhookJob& job = webhooks().running.front().job;
  EXPECT_EQ(job.number, 2U);
  EXPECT_TRUE(job.is_binary);
  EXPECT_EQ(job.route->key, "$default");
  EXPECT_EQ(metrics().messages_in.value(), 2U);
  EXPECT_EQ(metrics().message_bytes_in.value(), 6U);
}

TEST_F(SessionMessages, TheMessageSelectsItsRoute) {
  Client& client = open();
  client.say(R"({"action":"shout"})");
  EXPECT_EQ(webhooks().running.front().job.route->key, "shout");
  EXPECT_TRUE(webhooks().running.front().job.is_json);
}

TEST_F(SessionMessages, WithoutARouteItIsForbiddenAndUsesUpNoNumber) {
  endpoint().routes.fallback.reset();
  Client& client = open();
  client.say("x");
  const Frames frames = client.frames();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_NE(frames[0].find("\"Forbidden\""), std::string::npos);
  EXPECT_NE(frames[0].find("\"requestId\":\""), std::string::npos);
  EXPECT_THAT(running(), IsEmpty());
  client.say(R"({"action":"shout"})");
  EXPECT_EQ(webhooks().running.front().job.number, 1U);
}

TEST_F(SessionMessages, OneAtATimeInOrderAndThenTheSocketIsNotReadAnyMore) {
  Client& client = open();
  client.say("1");
  client.say("2");
  EXPECT_FALSE(client.stream->is_reading());
  client.say("3");
  EXPECT_THAT(running(), ElementsAre("1"));
  answer(client, 200, {}, "a");
  EXPECT_THAT(running(), ElementsAre("2"));
  answer(client, 200, {}, "b");
  EXPECT_THAT(running(), ElementsAre("3"));
  answer(client, 200, {}, "c");
  EXPECT_THAT(client.frames(), ElementsAre("text a", "text b", "text c"));
  EXPECT_TRUE(client.stream->is_reading());
}

TEST_F(SessionMessages, ManyInOneReadWaitInOrder) {
  Client& client = open();
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    bytes += sockhook::testing::client_frame(Opcode::kText, std::to_string(i));
  }
  client.stream->deliver(bytes);
  EXPECT_TRUE(client.stream->is_reading()) << "a client that waits for its answer costs no pause";
  for (int i = 0; i < 100; ++i) {
    ASSERT_THAT(running(), ElementsAre(std::to_string(i)));
    answer(client, 204);
  }
  EXPECT_THAT(running(), IsEmpty());
}

TEST_F(SessionMessages, AMessageCutAtEveryByteArrivesWhole) {
  Client& client = open();
  for (const char byte : sockhook::testing::client_frame(Opcode::kText, "hello")) {
    client.stream->deliver({&byte, 1});
  }
  EXPECT_THAT(running(), ElementsAre("hello"));
}

TEST_F(SessionMessages, AsManyAtATimeAsInFlightAllows) {
  endpoint().in_flight = 3;
  Client& client = open();
  for (const char* text : {"1", "2", "3", "4"}) client.say(text);
  EXPECT_THAT(running(), ElementsAre("1", "2", "3"));
  answer(client, 204);
  EXPECT_THAT(running(), ElementsAre("2", "3", "4"));
}

TEST_F(SessionMessages, APingWaitsItsTurnAndIsAnswered) {
  Client& client = open();
  client.send(Opcode::kPing, "now");
  EXPECT_THAT(client.frames(), ElementsAre("pong now"));
  client.say("x");
  client.send(Opcode::kPing, "later");
  EXPECT_THAT(client.frames(), IsEmpty());
  answer(client, 200, {}, "y");
  EXPECT_THAT(client.frames(), ElementsAre("text y", "pong later"));
}

TEST_F(SessionMessages, A4xxWithoutABodyIsAnErrorFrame) {
  Client& client = open();
  client.say("x");
  answer(client, 404);
  EXPECT_THAT(client.frames(), ElementsAre(error_frame(client, "Not Found", 1)));
}

TEST_F(SessionMessages, ABackendThatFailsIsAnErrorFrameAndTheSocketStaysOpen) {
  Client& client = open();
  client.say("1");
  answer(client, 500, {{"Sockhook-State", "not of a 5xx"}}, "body");
  client.say("2");
  fail(client, Outcome::kTimedOut);
  client.say("3");
  fail(client, Outcome::kUnreachable, false);
  client.say("4");
  fail(client, Outcome::kBroken);
  EXPECT_THAT(client.frames(), ElementsAre(error_frame(client, "Internal server error", 1),
                                           error_frame(client, "Endpoint request timed out", 2),
                                           error_frame(client, "Internal server error", 3),
                                           error_frame(client, "Internal server error", 4)));
  EXPECT_TRUE(find(client)->is_open());
  EXPECT_EQ(find(client)->facts().state, "");
}

TEST_F(SessionMessages, ErrorsCloseClosesWith1011) {
  endpoint().close_on_error = true;
  Client& client = open();
  client.say("x");
  fail(client, Outcome::kTimedOut);
  EXPECT_THAT(client.frames(), ElementsAre("close 1011 Endpoint request timed out"));
}

TEST_F(SessionMessages, ErrorsCloseLeavesRefusalsOfTheBackendAlone) {
  endpoint().close_on_error = true;
  Client& client = open();
  client.say("x");
  answer(client, 400);
  EXPECT_THAT(client.frames(), ElementsAre(error_frame(client, "Bad Request", 1)));
}

TEST_F(SessionMessages, EffectsOfAnAnswerApply) {
  Client& client = open({{"Sockhook-Join", "a, b"}, {"Sockhook-State", "1"}});
  client.say("x");
  answer(client, 204, {{"Sockhook-Leave", "a"}, {"Sockhook-State", "2"}});
  EXPECT_FALSE(find(client)->is_member("a"));
  EXPECT_TRUE(find(client)->is_member("b"));
  EXPECT_EQ(find(client)->facts().state, "2");
  client.say("x");
  answer(client, 204, {{"Sockhook-State", ""}});
  EXPECT_EQ(find(client)->facts().state, "");
}

TEST_F(SessionMessages, AMalformedEffectIsCountedAndIgnored) {
  Client& client = open();
  client.say("x");
  answer(client, 200, {{"Sockhook-Close", "99"}, {"Sockhook-Join", "g"}}, "fine");
  EXPECT_THAT(client.frames(), ElementsAre("text fine"));
  EXPECT_TRUE(find(client)->is_member("g"));
  EXPECT_EQ(world().metrics.ignored_effects.value(), 1U);
}

TEST_F(SessionMessages, ACloseEffectComesBehindTheFrames) {
  Client& client = open();
  client.say("x");
  answer(client, 200, {{"Sockhook-Close", "4000 enough"}}, "last");
  EXPECT_THAT(client.frames(), ElementsAre("text last", "close 4000 enough"));
}

TEST_F(SessionMessages, AnAnswerOfBinaryIsABinaryFrame) {
  Client& client = open();
  client.say("x");
  answer(client, 200, {{"Content-Type", "application/octet-stream"}}, "\xFF");
  EXPECT_THAT(client.frames(), ElementsAre("binary \xFF"));
}

// ---------------------------------------------------------------------------------------------
// Limits of what a client sends.

TEST_F(SessionMessages, AProtocolViolationClosesAndSendsFinBehindIt) {
  Client& client = open();
  client.stream->deliver(sockhook::testing::client_frame(0x3, "x"));
  EXPECT_THAT(client.frames(), ElementsAre("close 1002 reserved opcode"));
  EXPECT_TRUE(client.peer.received_fin);
  client.say("more");
  EXPECT_THAT(running(), IsEmpty()) << "the rest of the stream has no meaning";
  client.stream->deliver_end();
  settle();
  EXPECT_THAT(ends(), ElementsAre("1002 proxy reserved opcode"));
}

TEST_F(SessionMessages, AMessageThatIsTooLargeClosesWith1009) {
  limits().message_size = 10;
  Client& client = open();
  client.say("0123456789");
  answer(client, 204);
  client.say("0123456789a");
  EXPECT_EQ(client.frames().back().substr(0, 10), "close 1009");
}

TEST_F(SessionMessages, BinaryThatIsNotAllowedClosesWith1003) {
  limits().binary = false;
  Client& client = open();
  client.send(Opcode::kBinary, "x");
  EXPECT_EQ(client.frames().back().substr(0, 10), "close 1003");
}

class SessionRate : public SessionMessages {
 protected:
  void allow(double per_second, std::size_t burst, conf::Rate::Over over) {
    limits().messages_per_second = conf::Rate{per_second, burst, over};
    endpoint().in_flight = 100;
  }
};

TEST_F(SessionRate, RejectAnswersWhatIsTooMuchAndPassesTheRest) {
  allow(20, 2, conf::Rate::Over::kReject);
  Client& client = open();
  for (const char* text : {"1", "2", "3"}) client.say(text);
  EXPECT_THAT(running(), ElementsAre("1", "2"));
  const Frames frames = client.frames();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_NE(frames[0].find("\"Too Many Requests\""), std::string::npos);
  run_for(60);
  client.say("4");
  EXPECT_THAT(running(), ElementsAre("1", "2", "4"));
}

TEST_F(SessionRate, CloseCloses) {
  allow(1, 1, conf::Rate::Over::kClose);
  Client& client = open();
  client.say("1");
  client.say("2");
  EXPECT_EQ(client.frames().back().substr(0, 10), "close 1008");
  EXPECT_THAT(running(), ElementsAre("1"));
}

TEST_F(SessionRate, DelayReadsNoFurtherUntilThereIsRoom) {
  allow(20, 1, conf::Rate::Over::kDelay);
  Client& client = open();
  for (const char* text : {"1", "2", "3"}) client.say(text);
  EXPECT_THAT(running(), ElementsAre("1"));
  EXPECT_FALSE(client.stream->is_reading());
  const uint64_t began_ms = uv_hrtime() / 1'000'000;
  EXPECT_TRUE(run_until([&] { return running().size() == 3; }));
  EXPECT_GE(uv_hrtime() / 1'000'000 - began_ms, 90U);
  EXPECT_THAT(running(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(client.frames(), IsEmpty());
}

}  // namespace
}  // namespace sockhook::client
