// The contract of backplane.h: messages and names.

#include "tests/backplane/backplane_contract.h"

namespace sockhook::backplane {
namespace {

// ---- messages

TEST_P(BackplaneContract, AMessageReachesItsNodeAndNobodyElse) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  ClusterMember& c = add("c");
  const std::string payload("bin\0\r\nary \xff", 11);
  const Dispatch dispatch = send(a, b.self.key, payload);
  EXPECT_EQ(dispatch.result, SendResult::kSent);
  EXPECT_EQ(dispatch.reached, Nodes{b.self.key});
  EXPECT_TRUE(dispatch.deaf.empty());
  ASSERT_TRUE(eventually([&] { return !b.messages.empty(); }));
  EXPECT_EQ(b.messages, (std::vector<ClusterMember::Message>{{a.self.key, payload}}));
  EXPECT_TRUE(a.messages.empty());
  EXPECT_TRUE(c.messages.empty());
}

TEST_P(BackplaneContract, AMessageToANodeThatIsNoMoreFindsItGone) {
  ClusterMember& a = add("a");
  const Dispatch dispatch = send(a, some_node_key(), "anybody there?");
  EXPECT_EQ(dispatch.result, SendResult::kSent);
  EXPECT_TRUE(dispatch.reached.empty());
  EXPECT_TRUE(dispatch.deaf.empty());
}

TEST_P(BackplaneContract, AMessageToANodeThatHasJustLeftFindsItGone) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  EXPECT_EQ(send(a, b.self.key, "x").reached, Nodes{b.self.key});
  grounds->leave(b);
  // Most likely before a has heard of it.
  const Dispatch dispatch = send(a, b.self.key, "y");
  EXPECT_EQ(dispatch.result, SendResult::kSent);
  EXPECT_TRUE(dispatch.reached.empty());
  EXPECT_TRUE(dispatch.deaf.empty());
}

TEST_P(BackplaneContract, MessagesOfOneSenderArriveInOrder) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  std::vector<std::string> expected;
  for (int i = 0; i < 2'000; ++i) {
    expected.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 700), '.'));
    a.ask([&](Backplane& backplane) { backplane.send(b.self.key, expected.back(), 0); });
  }
  ASSERT_TRUE(eventually([&] { return b.messages.size() >= expected.size(); }));
  EXPECT_EQ(b.payloads(), expected);
  EXPECT_TRUE(a.sent.empty()) << "ticket 0 has no event";
}

TEST_P(BackplaneContract, AMessageToANameReachesEachOtherNodeThatHasMembers) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  ClusterMember& c = add("c");
  add("d");
  for (ClusterMember* member : {&a, &b, &c}) set_group(*member, "room", 2);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 4; }));
  const Dispatch dispatch = send_to_name(a, {NameKind::kGroup, "room"}, "hello");
  EXPECT_EQ(dispatch.reached, (Nodes{b.self.key, c.self.key}));
  ASSERT_TRUE(eventually([&] { return !b.messages.empty() && !c.messages.empty(); }));
  EXPECT_TRUE(a.messages.empty());
  EXPECT_TRUE(send_to_name(a, {NameKind::kUser, "room"}, "x").reached.empty()) << "another kind";
  EXPECT_TRUE(send_to_name(a, {NameKind::kGroup, "other"}, "x").reached.empty());
}

TEST_P(BackplaneContract, MessagesToANameArriveInOrder) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  set_group(b, "room", 1);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 1; }));
  std::vector<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    expected.push_back(std::to_string(i));
    a.ask([&](Backplane& backplane) {
      backplane.send_to_name({NameKind::kGroup, "room"}, expected.back(), 0);
    });
  }
  ASSERT_TRUE(eventually([&] { return b.messages.size() >= expected.size(); }));
  EXPECT_EQ(b.payloads(), expected);
}

TEST_P(BackplaneContract, AMessageToAllReachesEachOtherNode) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  ClusterMember& c = add("c");
  const Dispatch dispatch =
      sent(c, [](Backplane& backplane, Ticket ticket) { backplane.send_to_all("all", ticket); });
  EXPECT_EQ(dispatch.reached, (Nodes{a.self.key, b.self.key}));
  ASSERT_TRUE(eventually([&] { return !a.messages.empty() && !b.messages.empty(); }));
  EXPECT_TRUE(c.messages.empty());
}

TEST_P(BackplaneContract, TheLargestPushPasses) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  const std::string payload(std::size_t{16} << 20U, 'x');
  EXPECT_EQ(send(a, b.self.key, payload).reached, Nodes{b.self.key});
  ASSERT_TRUE(eventually([&] { return !b.messages.empty(); }));
  EXPECT_EQ(b.messages[0].payload.size(), payload.size());
}

// ---- names

TEST_P(BackplaneContract, CountsOfNamesAreSeenByTheOthersWithinTwoSeconds) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  set_group(b, "room", 1);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 1; }, 2'000));
  for (std::size_t count = 2; count <= 7; ++count) set_group(b, "room", count);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 7; }, 2'000));
  EXPECT_EQ(lookup(a, {NameKind::kGroup, "room"})[0].node, b.self.key);
  EXPECT_EQ(count_elsewhere(b, "room"), 0U) << "what it has itself is not the others'";
  set_group(b, "room", 0);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 0; }, 2'000));
}

TEST_P(BackplaneContract, OfUsersTheConnectionsAreSeen) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  const Name name{NameKind::kUser, "j\xc3\xb6rg {1}:,"};
  const std::vector<ConnectionId> ids = {b.connection(1), b.connection(2)};
  b.set_presence(name, 2, ids);
  ASSERT_TRUE(eventually([&] { return !lookup(a, name).empty(); }, 2'000));
  const std::vector<Presence> presences = lookup(a, name);
  ASSERT_EQ(presences.size(), 1U);
  EXPECT_EQ(presences[0].count, 2U);
  EXPECT_EQ(presences[0].connections, ids);
}

INSTANTIATE_TEST_SUITE_P(Over, BackplaneContract, kAll, kind_of);

}  // namespace
}  // namespace sockhook::backplane
