// RedisClient against one real server, of Redis and of Valkey.

#include <gtest/gtest.h>

#include "tests/backplane/redis_client_probe.h"
#include "tests/support/certificates.h"
#include "tests/support/redis_process.h"

namespace sockhook::redis {
namespace {

using testing::RedisProcess;

constexpr const char* kChannel = "t:{0}:to:node";
constexpr const char* kScript = "return redis.call('INCRBY', KEYS[1], ARGV[1])";

conf::Redis conf_of(const RedisProcess& server) {
  conf::Redis conf;
  conf.server = {"127.0.0.1", server.port()};
  return conf;
}

class RedisClientStandalone : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!testing::has_redis(GetParam())) GTEST_SKIP() << GetParam() << "-server is not installed";
  }
};

TEST_P(RedisClientStandalone, AnswersCommandsInOrderAndCarriesMessages) {
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server));
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_EQ(probe.resubscribed[0], 1);
  const Ticket set = probe.send(0, {"SET", "{0}k", std::string("bin\0\r\nary", 9)});
  const Ticket get = probe.send(0, {"GET", "{0}k"});
  const Ticket wrong = probe.send(0, {"INCR", "{0}k"});
  const Ticket nothing = probe.send(0, {"GET", "{0}none"});
  const Ticket publish = probe.send(0, {"PUBLISH", kChannel, "hello"});
  EXPECT_TRUE(probe.answers.empty()) << "answered from inside the call";
  EXPECT_EQ(probe.outcome(publish), "1");
  EXPECT_EQ(probe.order, (std::vector<Ticket>{set, get, wrong, nothing, publish}));
  EXPECT_EQ(probe.outcome(get), std::string("bin\0\r\nary", 9));
  EXPECT_TRUE(probe.answer(wrong)->reply.is_error("ERR"));
  EXPECT_TRUE(probe.answer(nothing)->reply.is_nil());
  ASSERT_TRUE(probe.runner.run_until([&] { return !probe.messages.empty(); }));
  EXPECT_EQ(probe.messages[0], std::string("0 ") + kChannel + " hello");
}

TEST_P(RedisClientStandalone, UsesTheAclUserAndTheDatabase) {
  RedisProcess server(GetParam(), {"user default off", "user hook on >secret ~* &* +@all"});
  conf::Redis conf = conf_of(server);
  conf.user = "hook";
  conf.password = "secret";
  conf.database = 3;
  RedisClientProbe probe(conf);
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_EQ(probe.run(0, {"SET", "where", "three"}), "OK");
  testing::RedisConversation other(server.port());
  other.run({"AUTH", "hook", "secret"});
  EXPECT_EQ(*other.run({"DBSIZE"}).integer(), 0);
  other.run({"SELECT", "3"});
  EXPECT_EQ(*other.run({"GET", "where"}).string(), "three");
  EXPECT_NE(other.run({"CLIENT", "LIST"}).string()->find("name=sockhook-test"), std::string::npos);
}

TEST_P(RedisClientStandalone, NeedsFewCommands) {
  RedisProcess server(GetParam(),
                      {"user default off",
                       "user hook on >secret resetchannels &t:* resetkeys ~t:* -@all +ping +role "
                       "+script|load +evalsha +incrby +subscribe +unsubscribe +publish"});
  conf::Redis conf = conf_of(server);
  conf.user = "hook";
  conf.password = "secret";
  RedisClientProbe probe(conf, {kScript});
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_EQ(probe.outcome(probe.send_script(0, 0, {"t:{0}:n"}, {"5"})), "5");
  EXPECT_EQ(probe.run(0, {"PUBLISH", kChannel, "hello"}), "1");
  probe.client.subscribe(0, "other:{0}");
  EXPECT_TRUE(probe.wait_down()) << "a channel that the server refuses goes unnoticed";
  probe.client.unsubscribe(0, "other:{0}");
  EXPECT_TRUE(probe.wait_up());
}

TEST_P(RedisClientStandalone, SpeaksTls) {
  testing::TestAuthority authority;
  const conf::CertificateFiles files = authority.issue_for_localhost();
  const std::uint16_t port = testing::free_port();
  RedisProcess server(
      GetParam(),
      {"tls-port " + std::to_string(port), "tls-cert-file " + files.certificate,
       "tls-key-file " + files.key, "tls-ca-cert-file " + authority.file(), "tls-auth-clients no"});
  conf::Redis conf;
  conf.server = {"localhost", port};
  conf.tls = true;
  conf.tls_ca = authority.file();
  RedisClientProbe probe(conf);
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.start_and_wait());
  const std::string large(300'000, 'x');
  EXPECT_EQ(probe.run(0, {"SET", "{0}k", large}), "OK");
  EXPECT_EQ(probe.run(0, {"GET", "{0}k"}), large);
  EXPECT_EQ(*server.run({"CLIENT", "KILL", "TYPE", "pubsub"}).integer(), 1);
  ASSERT_TRUE(probe.wait_down());
  EXPECT_TRUE(probe.wait_up());

  testing::TestAuthority other;
  conf.tls_ca = other.file();
  RedisClientProbe stranger(conf);
  stranger.start();
  EXPECT_FALSE(stranger.wait_up(300)) << "the certificate is not checked";
  conf.tls_ca = "/nowhere/ca.crt";
  RedisClientProbe mistaken(conf);
  mistaken.start();
  EXPECT_FALSE(mistaken.wait_up(100));
}

TEST_P(RedisClientStandalone, StaysDownWithAWrongPasswordAndTriesOn) {
  RedisProcess server(GetParam(), {"requirepass right"});
  conf::Redis conf = conf_of(server);
  conf.password = "wrong";
  RedisClientProbe probe(conf);
  probe.start();
  EXPECT_FALSE(probe.wait_up(300));
  testing::RedisConversation other(server.port());
  other.run({"AUTH", "right"});
  other.run({"CONFIG", "SET", "requirepass", "wrong"});
  EXPECT_TRUE(probe.wait_up(3'000));
}

TEST_P(RedisClientStandalone, RunsScriptsAndLoadsThemAgainAfterAFlush) {
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server), {"return 1", kScript});
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_EQ(probe.outcome(probe.send_script(0, 1, {"{0}n"}, {"5"})), "5");
  EXPECT_EQ(server.text({"SCRIPT", "FLUSH"}), "OK");
  const Ticket first = probe.send_script(0, 1, {"{0}n"}, {"5"});
  const Ticket second = probe.send_script(0, 1, {"{0}n"}, {"5"});
  EXPECT_TRUE(probe.outcome(first).starts_with("not sent: NOSCRIPT")) << probe.outcome(first);
  EXPECT_TRUE(probe.outcome(second).starts_with("not sent: NOSCRIPT"));
  EXPECT_EQ(probe.outcome(probe.send_script(0, 1, {"{0}n"}, {"5"})), "10");
  EXPECT_EQ(probe.downs, 0);
}

TEST_P(RedisClientStandalone, FailsAtOnceWhileTheServerIsAwayAndComesBackWithIt) {
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server));
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.start_and_wait());
  server.kill();
  ASSERT_TRUE(probe.wait_down());
  EXPECT_TRUE(probe.outcome(probe.send(0, {"PING"}), 300).starts_with("not sent: "));
  probe.runner.run_for(500);
  server.start();
  ASSERT_TRUE(probe.wait_up(2'500));
  EXPECT_EQ(probe.resubscribed[0], 2);
  EXPECT_EQ(probe.run(0, {"PUBLISH", kChannel, "again"}), "1");
  EXPECT_TRUE(probe.runner.run_until([&] { return probe.messages.size() == 1; }));
}

TEST_P(RedisClientStandalone, StartsWhileTheServerIsAway) {
  RedisProcess server(GetParam());
  server.kill();
  RedisClientProbe probe(conf_of(server));
  probe.start();
  EXPECT_FALSE(probe.wait_up(300));
  server.start();
  EXPECT_TRUE(probe.wait_up(2'500));
}

TEST_P(RedisClientStandalone, AFrozenServerIsNoticedAndItsCommandsAreUnknown) {
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server));
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.start_and_wait());
  server.freeze();
  const Ticket first = probe.send(0, {"SET", "{0}k", "v"});
  const Ticket second = probe.send(0, {"SET", "{0}k", "w"});
  EXPECT_TRUE(probe.outcome(first, 1'100).starts_with("unknown: ")) << probe.outcome(first);
  EXPECT_TRUE(probe.outcome(second, 0).starts_with("unknown: "));
  EXPECT_TRUE(probe.wait_down(500));
  EXPECT_TRUE(probe.outcome(probe.send(0, {"PING"}), 300).starts_with("not sent: "));
  server.thaw();
  EXPECT_TRUE(probe.wait_up());
}

TEST_P(RedisClientStandalone, AFrozenServerIsNoticedWithoutTraffic) {
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server));
  ASSERT_TRUE(probe.start_and_wait());
  server.freeze();
  EXPECT_TRUE(probe.wait_down(2'200));
  server.thaw();
  EXPECT_TRUE(probe.wait_up());
}

TEST_P(RedisClientStandalone, SubscribesAgainAfterTheSubscriberWasKilled) {
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server));
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_EQ(*server.run({"CLIENT", "KILL", "TYPE", "pubsub"}).integer(), 1);
  ASSERT_TRUE(probe.wait_down());
  ASSERT_TRUE(probe.wait_up(2'000));
  EXPECT_EQ(probe.resubscribed[0], 2);
  EXPECT_EQ(probe.run(0, {"PUBLISH", kChannel, "again"}), "1");
  EXPECT_TRUE(probe.runner.run_until([&] { return probe.messages.size() == 1; }));
}

TEST_P(RedisClientStandalone, ConnectsAgainAfterTheCommandsWereKilled) {
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server));
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_GE(*server.run({"CLIENT", "KILL", "TYPE", "normal"}).integer(), 1);
  ASSERT_TRUE(probe.wait_down());
  ASSERT_TRUE(probe.wait_up(2'000));
  EXPECT_EQ(probe.run(0, {"SET", "{0}k", "v"}), "OK");
}

TEST_P(RedisClientStandalone, RestartConnectsAnewAtOnce) {
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server));
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.start_and_wait());
  const Ticket lost = probe.send(0, {"BLPOP", "{0}empty", "0"});
  probe.client.restart();
  EXPECT_EQ(probe.downs, 0) << "told from inside the call";
  EXPECT_TRUE(probe.outcome(lost).starts_with("unknown: "));
  ASSERT_TRUE(probe.runner.run_until([&] { return probe.ups == 2; }, 500));
  EXPECT_EQ(probe.resubscribed[0], 2);
}

TEST_P(RedisClientStandalone, LeavesAServerThatBecameAReplica) {
  RedisProcess master(GetParam());
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server));
  ASSERT_TRUE(probe.start_and_wait());
  server.run({"REPLICAOF", "127.0.0.1", std::to_string(master.port())});
  const std::string outcome = probe.run(0, {"SET", "{0}k", "v"});
  EXPECT_TRUE(outcome.starts_with("not sent: READONLY")) << outcome;
  ASSERT_TRUE(probe.wait_down());
  EXPECT_FALSE(probe.wait_up(500)) << "the role is not checked";
  server.run({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(probe.wait_up(2'500));
}

TEST_P(RedisClientStandalone, HearsAndForgetsChannelsWhileItRuns) {
  RedisProcess server(GetParam());
  RedisClientProbe probe(conf_of(server));
  ASSERT_TRUE(probe.start_and_wait());
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.runner.run_until([&] { return probe.client.is_up(0); }));
  EXPECT_EQ(probe.run(0, {"PUBLISH", kChannel, "one"}), "1");
  probe.client.unsubscribe(0, kChannel);
  EXPECT_TRUE(probe.runner.run_until([&] {
    return *server.run({"PUBLISH", kChannel, "two"}).integer() == 0;
  }));
  EXPECT_EQ(probe.messages.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Servers, RedisClientStandalone, ::testing::Values("redis", "valkey"),
                         [](const auto& brand) { return std::string(brand.param); });

}  // namespace
}  // namespace sockhook::redis
