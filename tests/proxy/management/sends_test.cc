// Sends to one connection and to many: what the router gets, and what the caller is told.

#include <variant>

#include "protocol/websocket/frame_encoder.h"
#include "tests/proxy/management/api_fixture.h"

namespace sockhook::management {
namespace {

using push::Delivery;
using push::PushOutcome;
using push::RouteFailure;
using websocket::Opcode;

const http::Headers kOctets = {{"Content-Type", "application/octet-stream"}};

class SendsTest : public ApiFixture {
 protected:
  const std::string path = "/v1/connections/" + some_id() + "/messages";

  const std::string& sent_frame() { return *router.last<push::Send>().frame; }
};

TEST_F(SendsTest, ATextBecomesATextFrameForThatConnection) {
  const Answer answer = call("POST", path, "grüße");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{}");
  EXPECT_EQ(answer.content_type, "application/json");
  const auto& send = router.last<push::Send>();
  EXPECT_EQ(std::get<push::OneConnection>(send.target).id.view(), some_id());
  EXPECT_EQ(*send.frame, *websocket::encode_frame(Opcode::kText, "grüße"));
  EXPECT_EQ(send.payload_bytes, std::string("grüße").size());
}

TEST_F(SendsTest, OctetStreamIsBinaryWhateverItsCaseAndParameters) {
  for (const char* type : {"application/octet-stream", "Application/Octet-Stream; a=b"}) {
    call("POST", path, "x", {{"Content-Type", type}});
    EXPECT_EQ(sent_frame(), *websocket::encode_frame(Opcode::kBinary, "x")) << type;
  }
  call("POST", path, "x", {{"Content-Type", "image/png"}});
  EXPECT_EQ(sent_frame(), *websocket::encode_frame(Opcode::kText, "x"));
}

TEST_F(SendsTest, AnEmptyBodyIsAnEmptyFrame) {
  EXPECT_EQ(call("POST", path).status, 200);
  EXPECT_EQ(sent_frame(), *websocket::encode_frame(Opcode::kText, ""));
}

TEST_F(SendsTest, TextThatIsNotUtf8Is400AndBinaryMayBeAnything) {
  const Answer answer = call("POST", path, "a\xc3");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(code_of(answer), "invalid_text");
  EXPECT_TRUE(router.submitted.empty());
  EXPECT_EQ(call("POST", path, "a\xc3", kOctets).status, 200);
}

struct DeliveryCase {
  Delivery delivery;
  int status;
  const char* code;
};

TEST_F(SendsTest, EachOutcomeHasItsStatusAndCode) {
  for (const auto& [delivery, status, code] :
       {DeliveryCase{Delivery::kGone, 410, "gone"},
        DeliveryCase{Delivery::kTooLarge, 413, "too_large"},
        DeliveryCase{Delivery::kSlow, 429, "slow_client"},
        DeliveryCase{Delivery::kForbidden, 403, "forbidden"}}) {
    const Answer answer = call("POST", path, outcome_of(delivery), "x");
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(code_of(answer), code);
  }
}

TEST_F(SendsTest, APushDuringConnectIs202Held) {
  const Answer answer = call("POST", path, outcome_of(Delivery::kHeld), "x");
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.body, R"({"held": true})");
}

TEST_F(SendsTest, WithoutWaitingItIs202BeforeTheOutcome) {
  const auto answer = ask("POST", path + "?wait=none", "x");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->body, "{}");
  EXPECT_EQ(router.submitted.size(), 1U);
  router.answer(0, outcome_of(Delivery::kGone));  // nobody is told
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(code_of(*ask("POST", path + "?wait=maybe", "x")), "bad_request");
}

TEST_F(SendsTest, ANodeThatCannotBeAskedIs503WithRetryAfterAndASilentOneIs504) {
  ask("POST", path, "x");
  router.fail(0, RouteFailure::kOverloaded);
  const Answer overloaded = answers.at(last_call);
  EXPECT_EQ(overloaded.status, 503);
  EXPECT_EQ(*overloaded.headers.find("Retry-After"), "1");
  ask("POST", path, "x");
  router.fail(1, RouteFailure::kTimedOut);
  EXPECT_EQ(answers.at(last_call).status, 504);
  ask("POST", path, "x");
  router.fail(2, RouteFailure::kUnavailable);
  const Answer unavailable = answers.at(last_call);
  EXPECT_EQ(unavailable.status, 503);
  EXPECT_EQ(code_of(unavailable), "unavailable");
  EXPECT_EQ(*unavailable.headers.find("Retry-After"), "1");
}

TEST_F(SendsTest, MalformedIdsAre400AndForeignOnesAreGone) {
  const Answer malformed = *ask("POST", "/v1/connections/a.b/messages", "x");
  EXPECT_EQ(malformed.status, 400);
  EXPECT_EQ(code_of(malformed), "invalid_connection_id");
  EXPECT_EQ(code_of(*ask("POST", "/v1/connections/" + std::string(30, 'A') + "/messages", "x")),
            "gone");
  EXPECT_EQ(code_of(*ask("POST", "/v1/connections/" + std::string(65, 'A') + "/messages", "x")),
            "invalid_connection_id");
}

TEST_F(SendsTest, AnOversizedBodyIs413WithoutAnyCommand) {
  EXPECT_EQ(code_of(*ask("POST", path, {}, {}, true)), "too_large");
  EXPECT_TRUE(router.submitted.empty());
}

TEST_F(SendsTest, AFanOutTellsWhatWasDeliveredAndWhichNodesAreUnknown) {
  PushOutcome outcome;
  outcome.delivered = 3;
  outcome.failed = 1;
  EXPECT_EQ(call("POST", "/v1/groups/g/messages", outcome, "x").body,
            R"({"delivered":3,"failed":1,"unknown":[]})");
  outcome.unknown_nodes = {"gw-2", "gw-3"};
  EXPECT_EQ(call("POST", "/v1/users/u/messages", outcome, "x").body,
            R"({"delivered":3,"failed":1,"unknown":["gw-2","gw-3"]})");
}

TEST_F(SendsTest, EachTargetIsTheOneOfItsPath) {
  call("POST", "/v1/groups/room%2F1%20%C3%BC/messages", "x");
  EXPECT_EQ(std::get<push::GroupMembers>(router.last<push::Send>().target).group, "room/1 ü");
  call("POST", "/v1/users/ann/messages", "x");
  EXPECT_EQ(std::get<push::UserConnections>(router.last<push::Send>().target).user, "ann");
  call("POST", "/v1/messages?endpoint=chat", "x");
  EXPECT_EQ(std::get<push::Everyone>(router.last<push::Send>().target).endpoint, "chat");
  call("POST", "/v1/messages", "x");
  EXPECT_EQ(std::get<push::Everyone>(router.last<push::Send>().target).endpoint, "");
}

TEST_F(SendsTest, AnEmptyEndpointDoesNotWidenABroadcast) {
  EXPECT_EQ(code_of(*ask("POST", "/v1/messages?endpoint=", "x")), "bad_request");
  EXPECT_TRUE(router.submitted.empty());
}

TEST_F(SendsTest, OneBodyToTenThousandConnectionsIsOneFrameAndOneCommand) {
  PushOutcome outcome;
  outcome.delivered = 10'000;
  call("POST", "/v1/groups/g/messages", outcome, "x");
  ASSERT_EQ(router.submitted.size(), 1U);
  // Whatever the router hands to its workers are copies of this pointer.
  const websocket::SharedFrame frame = router.last<push::Send>().frame;
  const push::PushCommand copy = router.submitted[0].command;
  EXPECT_EQ(std::get<push::Send>(copy.action).frame.get(), frame.get());
}

TEST_F(SendsTest, ExcludeIgnoresUnknownAndMalformedIds) {
  call("POST",
       "/v1/groups/g/messages?exclude=" + some_id(1) + ",a.b,," + std::string(30, 'A') +
           "&exclude=" + some_id(2),
       "x");
  const auto& excluded = router.last<push::Send>().excluded;
  ASSERT_TRUE(excluded);
  EXPECT_EQ(excluded->size(), 2U);
  EXPECT_TRUE(excluded->contains(*webhook::ConnectionId::parse(some_id(2))));
}

TEST_F(SendsTest, ExcludeTakesAThousandIdsAndNoMore) {
  std::string ids = some_id(1);
  for (int i = 1; i < 1000; ++i) ids += "," + std::string(64, 'A');
  EXPECT_EQ(call("POST", "/v1/messages?exclude=" + ids, "x").status, 200);
  EXPECT_EQ(router.last<push::Send>().excluded->size(), 1U);
  EXPECT_EQ(code_of(*ask("POST", "/v1/messages?exclude=" + ids + ",x", "x")), "bad_request");
}

TEST_F(SendsTest, PushesAreCountedByTargetAndResult) {
  using observe::PushPath;
  using observe::PushResult;
  using observe::PushTarget;
  call("POST", path, outcome_of(Delivery::kSlow), "x");
  PushOutcome outcome;
  outcome.delivered = 3;
  outcome.failed = 1;
  call("POST", "/v1/groups/g/messages", outcome, "x");
  ask("POST", path + "?wait=none", "x");
  EXPECT_EQ(
      metrics.push(PushPath::kLocal, PushTarget::kConnection, PushResult::kSlowClient).value(), 1U);
  EXPECT_EQ(metrics.push(PushPath::kLocal, PushTarget::kGroup, PushResult::kDelivered).value(), 3U);
  EXPECT_EQ(metrics.push(PushPath::kLocal, PushTarget::kGroup, PushResult::kFailed).value(), 1U);
  EXPECT_EQ(metrics.push(PushPath::kLocal, PushTarget::kConnection, PushResult::kSubmitted).value(),
            1U);
}

TEST_F(SendsTest, WhatOtherNodesDidIsCountedAsRemote) {
  using observe::PushPath;
  using observe::PushResult;
  using observe::PushTarget;
  router.remote.insert(*webhook::ConnectionId::parse(some_id()));
  call("POST", path, outcome_of(Delivery::kGone), "x");
  PushOutcome outcome;
  outcome.delivered = 5;
  outcome.delivered_remotely = 3;
  outcome.failed = outcome.failed_remotely = 1;
  call("POST", "/v1/users/u/messages", outcome, "x");
  EXPECT_EQ(metrics.push(PushPath::kRemote, PushTarget::kConnection, PushResult::kGone).value(),
            1U);
  EXPECT_EQ(metrics.push(PushPath::kLocal, PushTarget::kUser, PushResult::kDelivered).value(), 2U);
  EXPECT_EQ(metrics.push(PushPath::kRemote, PushTarget::kUser, PushResult::kDelivered).value(), 3U);
  EXPECT_EQ(metrics.push(PushPath::kLocal, PushTarget::kUser, PushResult::kFailed).value(), 0U);
  EXPECT_EQ(metrics.push(PushPath::kRemote, PushTarget::kUser, PushResult::kFailed).value(), 1U);
}

TEST_F(SendsTest, WhoeverHasGoneIsNotAnsweredButTheCallRunsOn) {
  ask("POST", path, "x");
  api.forget(last_call);
  router.answer(0, PushOutcome{});
  EXPECT_TRUE(answers.empty());
}

}  // namespace
}  // namespace sockhook::management
