// What nodes send each other survives the way as it was, and nothing else is believed.

#include "proxy/cluster/push_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sockhook::cluster {
namespace {

using push::ConnectionId;
using push::Delivery;
using push::PushOutcome;
using push::RouteFailure;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

ConnectionId id(std::uint8_t number) {
  return webhook::IdScheme({{1, 2, 3, 4, 5, number}}, {}).make({number, number}, {});
}

Request request(decltype(push::PushCommand::action) action, push::Scope scope = nullptr) {
  return {7, {std::move(action), std::move(scope)}, "1.2"};
}

Request passed_on(const Request& sent) {
  auto message = decode(encode(sent));
  EXPECT_TRUE(message);
  if (!message) return {};
  auto* received = std::get_if<Request>(&*message);
  EXPECT_NE(received, nullptr);
  return received != nullptr ? std::move(*received) : Request{};
}

Reply passed_on(const Reply& sent) {
  auto message = decode(encode(sent));
  EXPECT_TRUE(message);
  if (!message) return {};
  auto* received = std::get_if<Reply>(&*message);
  EXPECT_NE(received, nullptr);
  return received != nullptr ? std::move(*received) : Reply{};
}

push::Send send_to(push::Target target) {
  push::Send send;
  send.target = std::move(target);
  send.frame = std::make_shared<const std::string>(std::string("\x81\x02\0\xff", 4));
  send.payload_bytes = 2;
  send.excluded = std::make_shared<const std::unordered_set<ConnectionId>>(
      std::unordered_set<ConnectionId>{id(1), id(2)});
  return send;
}

PushOutcome full_outcome() {
  PushOutcome outcome;
  outcome.delivery = Delivery::kSlow;
  outcome.delivered = 5'000'000'000;
  outcome.failed = 2;
  outcome.count = 3;
  outcome.connection_ids = {"a", ""};
  outcome.next_cursor = "0.17";
  outcome.unknown_nodes = {"gw-2"};
  push::ConnectionInfo& info = outcome.connections.emplace_back();
  info = {"ID", "gw-1", "chat",      "ann",       {"g", "h"}, 1'707'487'903'123,
          12,   -1,     "127.0.0.1", "caf\xe9\n", "v1"};
  outcome.connections.emplace_back();
  return outcome;
}

// One message of each shape.
std::vector<std::string> samples() {
  const auto scope =
      std::make_shared<const std::set<std::string>>(std::set<std::string>{"chat", "news"});
  std::vector<std::string> all;
  all.push_back(encode(request(send_to(push::OneConnection{id(9)}), scope)));
  all.push_back(encode(request(send_to(push::GroupMembers{"g"}))));
  all.push_back(encode(request(push::Close{push::UserConnections{"ann"}, 4001, "bye"})));
  all.push_back(encode(request(push::Membership{push::OneConnection{id(9)}, "g", false})));
  all.push_back(encode(request(push::Describe{id(9)})));
  all.push_back(encode(request(push::List{"chat", "ann", "g", 17, 100}, scope)));
  all.push_back(encode(request(push::CountGroup{"g"})));
  all.push_back(encode(request(push::FindUser{"ann"})));
  all.push_back(encode(request(send_to(push::Everyone{"chat"}))));
  all.push_back(encode(Reply{8, full_outcome()}));
  all.push_back(encode(Reply{8, RouteFailure::kTimedOut}));
  all.push_back(encode(Hello{"gw-1"}));
  all.push_back(encode(Farewell{}));
  return all;
}

TEST(PushCodecTest, ASendArrivesWithItsFrameAndItsExceptions) {
  const Request sent = request(send_to(push::GroupMembers{"g\n"}));
  const Request received = passed_on(sent);
  EXPECT_EQ(received.ticket, 7U);
  EXPECT_EQ(received.cursor, "1.2");
  EXPECT_EQ(received.command.scope, nullptr);
  const auto& send = std::get<push::Send>(received.command.action);
  EXPECT_EQ(std::get<push::GroupMembers>(send.target).group, "g\n");
  EXPECT_EQ(*send.frame, *std::get<push::Send>(sent.command.action).frame);
  EXPECT_EQ(send.payload_bytes, 2U);
  ASSERT_NE(send.excluded, nullptr);
  EXPECT_THAT(*send.excluded, UnorderedElementsAre(id(1), id(2)));
}

TEST(PushCodecTest, WithoutExceptionsThereIsNoSetOfThem) {
  push::Send send = send_to(push::Everyone{""});
  send.excluded = nullptr;
  const Request received = passed_on(request(send));
  EXPECT_EQ(std::get<push::Send>(received.command.action).excluded, nullptr);
}

TEST(PushCodecTest, EveryOtherCommandArrivesAsItWas) {
  const auto close = passed_on(request(push::Close{push::UserConnections{"ann"}, 4001, "bye"}));
  EXPECT_EQ(std::get<push::Close>(close.command.action).code, 4001);
  EXPECT_EQ(std::get<push::Close>(close.command.action).reason, "bye");
  const auto join = passed_on(request(push::Membership{push::OneConnection{id(9)}, "g", false}));
  const auto& membership = std::get<push::Membership>(join.command.action);
  EXPECT_EQ(std::get<push::OneConnection>(membership.target).id, id(9));
  EXPECT_EQ(membership.group, "g");
  EXPECT_FALSE(membership.joins);
  EXPECT_EQ(std::get<push::Describe>(passed_on(request(push::Describe{id(3)})).command.action).id,
            id(3));
  const auto walk = passed_on(request(push::List{"chat", "ann", "g", 17, 100}));
  const auto& list = std::get<push::List>(walk.command.action);
  EXPECT_EQ(list.endpoint + list.user + list.group, "chatanng");
  EXPECT_EQ(list.from_slot, 17U);
  EXPECT_EQ(list.limit, 100U);
  EXPECT_EQ(
      std::get<push::CountGroup>(passed_on(request(push::CountGroup{"g"})).command.action).group,
      "g");
  EXPECT_EQ(std::get<push::FindUser>(passed_on(request(push::FindUser{"ann"})).command.action).user,
            "ann");
}

TEST(PushCodecTest, AScopeThatReachesNothingIsNotTheOneThatReachesAll) {
  const auto nothing = std::make_shared<const std::set<std::string>>();
  const Request received = passed_on(request(push::CountGroup{"g"}, nothing));
  ASSERT_NE(received.command.scope, nullptr);
  EXPECT_TRUE(received.command.scope->empty());
}

TEST(PushCodecTest, AnOutcomeArrivesInFull) {
  const Reply received = passed_on(Reply{8, full_outcome()});
  EXPECT_EQ(received.ticket, 8U);
  const auto& outcome = std::get<PushOutcome>(received.result);
  EXPECT_EQ(outcome.delivery, Delivery::kSlow);
  EXPECT_EQ(outcome.delivered, 5'000'000'000U);
  EXPECT_EQ(outcome.failed, 2U);
  EXPECT_EQ(outcome.count, 3U);
  EXPECT_THAT(outcome.connection_ids, ElementsAre("a", ""));
  EXPECT_EQ(outcome.next_cursor, "0.17");
  EXPECT_THAT(outcome.unknown_nodes, ElementsAre("gw-2"));
  ASSERT_EQ(outcome.connections.size(), 2U);
  const push::ConnectionInfo& info = outcome.connections.front();
  EXPECT_EQ(info.id, "ID");
  EXPECT_EQ(info.node, "gw-1");
  EXPECT_EQ(info.endpoint, "chat");
  EXPECT_EQ(info.user, "ann");
  EXPECT_THAT(info.groups, ElementsAre("g", "h"));
  EXPECT_EQ(info.connected_at_ms, 1'707'487'903'123);
  EXPECT_EQ(info.handshake_at_ms, 12);
  EXPECT_EQ(info.last_active_at_ms, -1);
  EXPECT_EQ(info.remote_address, "127.0.0.1");
  EXPECT_EQ(info.user_agent, "caf\xe9\n");
  EXPECT_EQ(info.subprotocol, "v1");
  EXPECT_FALSE(outcome.connections.back().connected_at_ms);
}

TEST(PushCodecTest, EveryFailureArrives) {
  for (const RouteFailure failure :
       {RouteFailure::kOverloaded, RouteFailure::kUnavailable, RouteFailure::kTimedOut}) {
    EXPECT_EQ(std::get<RouteFailure>(passed_on(Reply{8, failure}).result), failure);
  }
}

// ---------------------------------------------------------------------------------------------
// Rolling upgrades.

TEST(PushCodecTest, ARequestOfAnotherVersionIsKnownAsOneSoThatItCanBeRefused) {
  std::string bytes = encode(request(push::CountGroup{"g"}));
  bytes[0] = kVersion + 1;
  bytes += "what that version has more";
  const auto message = decode(bytes);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().error, CodecError::kForeignVersion);
  EXPECT_EQ(message.error().ticket, 7U);
}

TEST(PushCodecTest, AFailureIsUnderstoodFromEveryVersion) {
  std::string bytes = encode(Reply{8, RouteFailure::kUnavailable});
  bytes[0] = kVersion + 1;
  const auto message = decode(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<Reply>(*message).ticket, 8U);
}

TEST(PushCodecTest, AnOutcomeOfAnotherVersionIsNot) {
  std::string bytes = encode(Reply{8, PushOutcome{}});
  bytes[0] = kVersion + 1;
  const auto message = decode(bytes);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().error, CodecError::kMalformed);
}

// ---------------------------------------------------------------------------------------------
// Whatever else.

TEST(PushCodecTest, WhatIsCutOffAnywhereOrHasMoreBehindItIsMalformed) {
  for (const std::string& whole : samples()) {
    ASSERT_TRUE(decode(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(decode(std::string_view(whole).substr(0, size))) << size;
    }
    EXPECT_FALSE(decode(whole + '\0'));
  }
}

TEST(PushCodecTest, WhatIsReadOfMutatedBytesIsNeverLargerThanThey) {
  std::mt19937 random(20260101);
  const auto below = [&](std::size_t end) { return random() % end; };
  std::size_t accepted = 0;
  for (const std::string& whole : samples()) {
    for (int round = 0; round < 20'000; ++round) {
      std::string bytes = whole;
      for (std::size_t i = 1 + below(4); i > 0; --i) {
        bytes[below(bytes.size())] = static_cast<char>(random());
      }
      if (below(8) == 0) bytes.resize(below(bytes.size()));
      const auto message = decode(bytes);
      if (!message) continue;
      ++accepted;
      // What was believed can be said again, in as many bytes.
      const std::string again =
          std::visit([](const auto& content) { return encode(content); }, *message);
      EXPECT_LE(again.size(), bytes.size());
    }
  }
  EXPECT_GT(accepted, 0U) << "some mutations only change a text";
}

TEST(PushCodecTest, AListThatClaimsToBeLongerThanItsBytesIsNotMadeRoomFor) {
  std::string bytes = encode(Reply{8, PushOutcome{}});
  // version, kind, ticket, delivery and three counts; then the number of connections.
  const std::size_t place = 1 + 1 + 8 + 1 + 3 * 8;
  for (std::size_t i = 0; i < 4; ++i) bytes[place + i] = '\xff';
  EXPECT_FALSE(decode(bytes));
}

}  // namespace
}  // namespace sockhook::cluster
