// The contract of backplane.h where there is a network and a server: what they lose and break.

#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/backplane/backplane_contract.h"
#include "tests/support/message_thief.h"

namespace sockhook::backplane {
namespace {

class BackplaneOverRedis : public BackplaneContract {
 protected:
  void kill_subscribers() { grounds->redis().run_everywhere({"CLIENT", "KILL", "TYPE", "pubsub"}); }
  RedisGrounds& redis() { return grounds->redis(); }
};

TEST_P(BackplaneOverRedis, ANodeThatIsAliveButDoesNotListenIsDeaf) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  set_group(b, "room", 1);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 1; }));
  grounds->freeze(b);
  kill_subscribers();
  ASSERT_TRUE(eventually([&] { return a.downs == 1 && a.is_up(); }));
  const Dispatch dispatch = send(a, b.self.key, "x");
  EXPECT_TRUE(dispatch.reached.empty());
  EXPECT_EQ(dispatch.deaf, Nodes{b.self.key});
  EXPECT_EQ(send_to_name(a, {NameKind::kGroup, "room"}, "x").deaf, Nodes{b.self.key});
  grounds->thaw(b);
  ASSERT_TRUE(eventually([&] { return b.downs == 1 && b.is_up(); }));
  EXPECT_EQ(send(a, b.self.key, "y").reached, Nodes{b.self.key});
  ASSERT_TRUE(eventually([&] { return !b.messages.empty(); }));
  EXPECT_TRUE(a.lost.empty()) << "what nobody heard is no loss";
}

TEST_P(BackplaneOverRedis, MessagesThatGotLostAreToldOnceTheNextArrives) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  grounds->freeze(b);
  // More than sockets hold: the rest is lost with the connection.
  constexpr int kMessages = 6;
  std::map<Ticket, std::string> payloads;
  for (int i = 0; i < kMessages; ++i) {
    std::string payload(std::size_t{4} << 20U, static_cast<char>('a' + i));
    const Dispatch dispatch = send(a, b.self.key, payload);
    EXPECT_EQ(dispatch.reached, Nodes{b.self.key});
    payloads.emplace(last_ticket, std::move(payload));
  }
  kill_subscribers();
  grounds->thaw(b);
  ASSERT_TRUE(eventually([&] { return b.downs == 1 && b.is_up() && a.downs == 1 && a.is_up(); }));
  EXPECT_TRUE(a.lost.empty());
  EXPECT_EQ(send(a, b.self.key, "next").reached, Nodes{b.self.key});
  ASSERT_TRUE(eventually([&] { return !a.lost.empty(); }));
  const std::vector<std::string> arrived = b.payloads();
  EXPECT_EQ(arrived.back(), "next");
  EXPECT_EQ(arrived.size() + a.lost.size(), payloads.size() + 1);
  for (const auto& [ticket, payload] : payloads) {
    const bool has_arrived = std::find(arrived.begin(), arrived.end(), payload) != arrived.end();
    EXPECT_NE(has_arrived, a.lost.contains(ticket));
  }
}

TEST_P(BackplaneOverRedis, AMessageThatIsTooLargeIsNotSent) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  const std::string payload(NodeMail::kMaxPayloadBytes + 1, 'x');
  EXPECT_EQ(send(a, b.self.key, payload).result, SendResult::kUnavailable);
}

TEST_P(BackplaneOverRedis, EveryKeyHasThePrefixAndATimeToLive) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  set_group(a, "room", 3);
  b.set_presence({NameKind::kUser, "jim"}, 1, {b.connection(1)});
  a.put_record(a.connection(1), "owed", ++last_ticket);
  EXPECT_EQ(decision(a, claim(a, 1, 1)).result, ClaimResult::kMine);
  EXPECT_EQ(decision(b, claim(b, 2, 1)).result, ClaimResult::kMine);
  b.backplane->settle(digest(2), {200, "{}"});
  ASSERT_TRUE(eventually([&] { return count_elsewhere(b, "room") == 3; }));
  send(a, b.self.key, "x");
  send_to_name(b, {NameKind::kGroup, "room"}, "x");
  const std::vector<std::string> keys = redis().keys();
  EXPECT_GE(keys.size(), 8U);
  for (const std::string& key : keys) {
    EXPECT_TRUE(key.starts_with("test")) << key;
    const redis::Reply ttl = redis().run({"PTTL", key});
    ASSERT_NE(ttl.integer(), nullptr) << key;
    EXPECT_NE(*ttl.integer(), -1) << key << " lives for ever";
  }
  a.backplane->abandon(digest(1));
}

TEST_P(BackplaneOverRedis, TheLoopThroughRedisIsMeasured) {
  ClusterMember& a = add("a");
  EXPECT_EQ(a.backplane->state(), Backplane::State::kUp);
  ASSERT_TRUE(a.backplane->loop_us().has_value());
  EXPECT_GT(*a.backplane->loop_us(), 0U);
  EXPECT_LT(*a.backplane->loop_us(), 1'000'000U);
}

TEST_P(BackplaneOverRedis, WhatAFrozenNodeDoesNotTakeDelaysNobodyElse) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  ClusterMember& frozen = add("frozen");
  for (ClusterMember* member : {&b, &frozen}) set_group(*member, "room", 1);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 2; }));
  grounds->freeze(frozen);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(send(a, b.self.key, "x").reached, Nodes{b.self.key});
    EXPECT_EQ(send(a, frozen.self.key, "x").reached.size(), 1U);
    EXPECT_EQ(send_to_name(a, {NameKind::kGroup, "room"}, "x").reached.size(), 2U);
  }
  ASSERT_TRUE(eventually([&] { return b.messages.size() == 40; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(900));
}

// As in docs/redis.md, word by word.
TEST_P(BackplaneOverRedis, TheUserOfTheDocumentationMayDoAllThatIsNeeded) {
  std::ifstream docs(SOCKHOOK_SOURCE_DIR "/docs/redis.md");
  std::string line;
  while (line.find("ACL SETUSER") == std::string::npos && std::getline(docs, line)) continue;
  std::istringstream text(line);
  std::vector<std::string> words{std::istream_iterator<std::string>(text), {}};
  ASSERT_GT(words.size(), 10U);
  for (std::string& word : words) {
    if (word == "~sockhook:*") word = "~" + grounds->prefix() + ":*";
    if (word == "&sockhook:*") word = "&" + grounds->prefix() + ":*";
  }
  for (const testing::RedisProcess* server : redis().servers) {
    ASSERT_EQ(server->text(words), "OK");
    server->run({"ACL", "LOG", "RESET"});
  }
  conf::Redis conf = grounds->conf();
  conf.user = "sockhook";
  conf.password = "SECRET";
  ClusterMember& a = grounds->start("a", conf);
  ClusterMember& b = grounds->start("b", conf);
  ASSERT_TRUE(eventually([&] { return a.is_up() && !a.backplane->others().empty(); }, 10'000));
  set_group(b, "room", 1);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 1; }));
  EXPECT_EQ(send_to_name(a, {NameKind::kGroup, "room"}, "x").reached, Nodes{b.self.key});
  EXPECT_EQ(decision(a, claim(a, 1, 1)).result, ClaimResult::kMine);
  a.backplane->settle(digest(1), {200, "{}"});
  EXPECT_EQ(decision(b, claim(b, 1, 1)).result, ClaimResult::kRemembered);
  EXPECT_EQ(decision(b, claim(b, 2, 1)).result, ClaimResult::kMine);
  b.backplane->abandon(digest(2));
  b.put_record(b.connection(1), "owed", ++last_ticket);
  b.put_record(b.connection(2), "owed", ++last_ticket);
  b.erase_record(b.connection(1));
  ASSERT_TRUE(eventually([&] { return b.recorded.size() == 2; }));
  grounds->freeze(b);
  ASSERT_TRUE(eventually([&] { return !a.orphans.empty(); }, 15'000));
  for (const auto& [id, owner] : a.orphan_owners) a.backplane->finish_orphan(owner.key, id);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 0; }));
  grounds->leave(a);
  for (const testing::RedisProcess* server : redis().servers) {
    EXPECT_TRUE(server->run({"ACL", "LOG"}).array()->empty()) << "something was refused";
    server->run({"ACL", "DELUSER", "sockhook"});
  }
}

class BackplaneOverSentinel : public BackplaneOverRedis {};

TEST_P(BackplaneOverSentinel, AfterAFailoverAllIsWellWithinFiveSeconds) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  set_group(b, "room", 2);
  b.put_record(b.connection(1), "owed", ++last_ticket);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 2; }));
  const std::string name = testing::RedisSentinels::kMaster;
  ASSERT_EQ(redis().sentinels->sentinels[0]->text({"SENTINEL", "FAILOVER", name}), "OK");
  ASSERT_TRUE(eventually([&] { return a.downs == 1 && b.downs == 1; }, 10'000));
  ASSERT_TRUE(eventually([&] { return a.is_up() && b.is_up(); }));
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 2; }));
  EXPECT_EQ(send(a, b.self.key, "x").reached, Nodes{b.self.key});
  EXPECT_TRUE(a.fenced.empty());
  EXPECT_TRUE(b.fenced.empty());
}

// ---- Redis away

class BackplaneOverOneServer : public BackplaneOverRedis {
 protected:
  testing::RedisProcess& server() { return *redis().alone; }
  void TearDown() override {
    server().thaw();
    if (!server().is_running()) server().start();
    BackplaneOverRedis::TearDown();
  }
  // Asks for everything at once; true if all is answered in time, as for a lost link.
  void expect_refusals(ClusterMember& a, const ClusterMember& b) {
    const auto begun = std::chrono::steady_clock::now();
    const Name name{NameKind::kGroup, "room"};
    const Ticket first = ++last_ticket;
    last_ticket += 5;
    a.ask([&](Backplane& backplane) {
      backplane.send(b.self.key, "x", first);
      backplane.send_to_name(name, "x", first + 1);
      backplane.send_to_all("x", first + 2);
      backplane.lookup(name, first + 3);
      backplane.put_record({a.connection(9), "owed"}, first + 4);
    });
    a.backplane->claim({digest(9), digest(9)}, first + 5, &a);
    const bool are_answered = eventually([&] {
      return a.sent.contains(first) && a.sent.contains(first + 1) && a.sent.contains(first + 2) &&
             a.lookups.contains(first + 3) && a.recorded.contains(first + 4) &&
             a.claims.contains(first + 5);
    });
    ASSERT_TRUE(are_answered);
    const auto taken = std::chrono::steady_clock::now() - begun;
    EXPECT_LT(taken, std::chrono::milliseconds(Backplane::kCommandMs + 300));
    for (Ticket ticket = first; ticket < first + 3; ++ticket) {
      EXPECT_NE(a.sent[ticket].result, SendResult::kSent);
      EXPECT_TRUE(a.sent[ticket].reached.empty());
    }
    EXPECT_FALSE(a.lookups[first + 3].has_value());
    EXPECT_FALSE(a.recorded[first + 4]);
    EXPECT_EQ(a.claims[first + 5].result, ClaimResult::kUnavailable);
  }
};

TEST_P(BackplaneOverOneServer, WhileRedisIsDownEverythingIsAnsweredAndAllIsWellAfterwards) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  set_group(b, "room", 2);
  set_group(b, "left", 2);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 2; }));
  server().kill();
  ASSERT_TRUE(eventually([&] { return !a.is_up() && !b.is_up(); }));
  EXPECT_EQ(a.backplane->state(), Backplane::State::kDown);
  expect_refusals(a, b);
  set_group(b, "left", 0);
  set_group(b, "joined", 1);
  server().start();  // empty
  ASSERT_TRUE(eventually([&] { return a.is_up() && b.is_up(); }));
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "room") == 2; }));
  EXPECT_EQ(count_elsewhere(a, "joined"), 1U);
  EXPECT_EQ(count_elsewhere(a, "left"), 0U);
  EXPECT_EQ(send(a, b.self.key, "again").reached, Nodes{b.self.key});
  ASSERT_TRUE(eventually([&] { return !b.messages.empty(); }));
  EXPECT_EQ(b.payloads(), std::vector<std::string>{"again"}) << "nothing was queued";
}

TEST_P(BackplaneOverOneServer, ARedisThatDoesNotAnswerIsAway) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  server().freeze();
  expect_refusals(a, b);
  ASSERT_TRUE(eventually([&] { return !a.is_up() && !b.is_up(); }));
  expect_refusals(a, b);
  server().thaw();
  ASSERT_TRUE(eventually([&] { return a.is_up() && b.is_up(); }, 10'000));
  EXPECT_EQ(send(a, b.self.key, "again").reached, Nodes{b.self.key});
}

// Redis keeps its data; a node's own links were cut, and names changed meanwhile.
TEST_P(BackplaneOverOneServer, WhatEndedDuringAnOutageIsTakenBack) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  set_group(b, "stays", 2);
  set_group(b, "ends", 2);
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "ends") == 2; }));
  server().freeze();
  ASSERT_TRUE(eventually([&] { return !b.is_up(); }));
  set_group(b, "ends", 0);
  server().thaw();
  ASSERT_TRUE(eventually([&] { return a.is_up() && b.is_up(); }, 10'000));
  ASSERT_TRUE(eventually([&] { return count_elsewhere(a, "ends") == 0; }));
  EXPECT_EQ(count_elsewhere(a, "stays"), 2U);
}

TEST_P(BackplaneOverOneServer, AClaimThatRanDuringAnOutageIsRememberedAfterwards) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  EXPECT_EQ(decision(a, claim(a, 1, 1)).result, ClaimResult::kMine);
  server().kill();
  ASSERT_TRUE(eventually([&] { return !a.is_up() && !b.is_up(); }));
  a.backplane->settle(digest(1), {200, "done"});
  EXPECT_EQ(decision(a, claim(a, 1, 1)), (Decision{ClaimResult::kRemembered, "done"}));
  server().start();  // empty
  ASSERT_TRUE(eventually([&] { return a.is_up() && b.is_up(); }));
  ASSERT_TRUE(eventually([&] {
    const Keys keys(grounds->prefix(), 1);
    return redis().run({"HGET", keys.claim(0, digest(1)), "body"}).string() != nullptr;
  }));
  EXPECT_EQ(decision(b, claim(b, 1, 1)), (Decision{ClaimResult::kRemembered, "done"}));
}

TEST_P(BackplaneOverOneServer, ScriptsThatRedisForgetsAreLoadedAgain) {
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  server().run({"SCRIPT", "FLUSH"});
  eventually([&] { return send(a, b.self.key, "x").result == SendResult::kSent; });
  EXPECT_EQ(send(a, b.self.key, "x").reached, Nodes{b.self.key});
}

// Contract 8: within 5 s, here what one of three nodes has to tell of 30,000 connections.
TEST_P(BackplaneOverOneServer, ManyNamesAndRecordsAreRepairedInTime) {
  constexpr std::size_t kGroups = 3'000;
  constexpr std::size_t kConnections = 10'000;
  ClusterMember& a = add("a");
  ClusterMember& b = add("b");
  for (std::size_t i = 0; i < kGroups; ++i) set_group(b, "group " + std::to_string(i), 4);
  for (std::size_t i = 0; i < kConnections; ++i) {
    b.put_record(some_connection(b.self.key, i), std::string(300, 'r'));
  }
  const auto is_told = [&] {
    const Keys keys(grounds->prefix(), 1);
    const redis::Reply names = redis().run({"ZCARD", keys.members(0, node_text(b.self.key))});
    const redis::Reply records = redis().run({"HLEN", keys.records(0, node_text(b.self.key))});
    return names.integer() != nullptr && *names.integer() == kGroups &&
           records.integer() != nullptr && *records.integer() == kConnections;
  };
  ASSERT_TRUE(eventually(is_told, 10'000));
  server().kill();
  ASSERT_TRUE(eventually([&] { return !a.is_up() && !b.is_up(); }));
  grounds->run_for(1'000);
  server().start();  // empty
  ASSERT_TRUE(eventually([&] { return a.is_up() && is_told(); }, 5'000));
  EXPECT_EQ(count_elsewhere(a, "group 7"), 4U);
}

// A subscription that is gone on a link that looks healthy.
TEST_P(BackplaneOverOneServer, MessagesToItselfThatDoNotComeBackMeanDown) {
  testing::MessageThief thief(server().port());
  conf::Redis conf = grounds->conf();
  conf.server.port = thief.port();
  ClusterMember& a = grounds->start("a", conf);
  ASSERT_TRUE(eventually([&] { return a.is_up(); }));
  thief.steal(true);
  ASSERT_TRUE(eventually([&] { return a.downs == 1; }));
  EXPECT_EQ(a.backplane->state(), Backplane::State::kDown);
  EXPECT_FALSE(a.backplane->loop_us().has_value());
  grounds->run_for(2'500);
  EXPECT_FALSE(a.is_up()) << "a new link alone proves nothing";
  thief.steal(false);
  ASSERT_TRUE(eventually([&] { return a.is_up(); }));
  grounds->leave(a);
}

INSTANTIATE_TEST_SUITE_P(Over, BackplaneOverRedis, kRedis, kind_of);
INSTANTIATE_TEST_SUITE_P(Over, BackplaneOverSentinel, ::testing::Values("sentinel"), kind_of);
INSTANTIATE_TEST_SUITE_P(Over, BackplaneOverOneServer, kOneServer, kind_of);

}  // namespace
}  // namespace sockhook::backplane
