// RedisClient over real sentinels, of Redis and of Valkey.

#include <gtest/gtest.h>

#include "tests/backplane/redis_client_probe.h"
#include "tests/support/redis_sentinels.h"

namespace sockhook::redis {
namespace {

using testing::RedisSentinels;

constexpr const char* kChannel = "t:{0}:to:node";

class RedisClientSentinel : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!testing::has_redis(GetParam())) GTEST_SKIP() << GetParam() << "-server is not installed";
  }
  static conf::Redis conf_of(const RedisSentinels& group) {
    conf::Redis conf;
    conf.server = {"192.0.2.1", 1};  // must not be asked
    conf.sentinel.emplace();
    conf.sentinel->master = RedisSentinels::kMaster;
    for (const auto& sentinel : group.sentinels) {
      conf.sentinel->nodes.push_back({"127.0.0.1", sentinel->port()});
    }
    return conf;
  }
};

TEST_P(RedisClientSentinel, FindsTheMasterWithASentinelAwayAndFollowsItWhenItDies) {
  RedisSentinels group(GetParam());
  ASSERT_TRUE(group.wait_ready());
  RedisClientProbe probe(conf_of(group));
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_EQ(probe.run(0, {"SET", "{0}k", "v"}), "OK");
  EXPECT_EQ(group.servers[0]->text({"GET", "{0}k"}), "v");

  group.servers[0]->kill();
  ASSERT_TRUE(probe.wait_down());
  ASSERT_TRUE(probe.wait_up(15'000));
  EXPECT_EQ(probe.resubscribed[0], 2);
  EXPECT_EQ(probe.run(0, {"SET", "{0}k", "w"}), "OK");
  EXPECT_EQ(group.servers[1]->text({"GET", "{0}k"}), "w");
  EXPECT_EQ(probe.run(0, {"PUBLISH", kChannel, "hello"}), "1");
  EXPECT_TRUE(probe.runner.run_until([&] { return probe.messages.size() == 1; }));
}

TEST_P(RedisClientSentinel, ActsOnASwitchAtOnce) {
  RedisSentinels group(GetParam());
  ASSERT_TRUE(group.wait_ready());
  conf::Redis conf = conf_of(group);
  conf.sentinel->nodes[1].port = testing::free_port();  // one is away
  RedisClientProbe probe(conf);
  probe.client.subscribe(0, kChannel);
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_EQ(group.sentinels[0]->text({"SENTINEL", "FAILOVER", RedisSentinels::kMaster}), "OK");
  const std::string promoted = std::to_string(group.servers[1]->port());
  ASSERT_TRUE(probe.runner.run_until(
      [&] {
        const redis::Reply master = group.sentinels[0]->run(
            {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", RedisSentinels::kMaster});
        return *master.at(1).string() == promoted;
      },
      15'000));
  // Without the announcement this would take until the next question, or until the old master is
  // made a replica.
  ASSERT_TRUE(probe.runner.run_until([&] { return probe.ups == 2; }, 1'000));
  EXPECT_EQ(probe.run(0, {"SET", "{0}k", "w"}), "OK");
  EXPECT_EQ(group.servers[1]->text({"GET", "{0}k"}), "w");
}

TEST_P(RedisClientSentinel, AsksAReplicaNothingAndSpeaksToSentinelsWithTheirPassword) {
  RedisSentinels group(GetParam(), {"requirepass data", "masterauth data"},
                       {std::string("sentinel auth-pass ") + RedisSentinels::kMaster + " data",
                        "requirepass watch"});
  conf::Redis conf = conf_of(group);
  conf.password = "data";
  conf.sentinel->password = "watch";
  RedisClientProbe probe(conf);
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_EQ(probe.run(0, {"SET", "{0}k", "v"}), "OK");
}

TEST_P(RedisClientSentinel, DoesWithoutSentinelsWhileTheMasterIsThere) {
  RedisSentinels group(GetParam());
  RedisClientProbe probe(conf_of(group));
  ASSERT_TRUE(probe.start_and_wait());
  for (const auto& sentinel : group.sentinels) sentinel->kill();
  group.servers[0]->kill();
  ASSERT_TRUE(probe.wait_down());
  group.servers[0]->start();
  EXPECT_TRUE(probe.wait_up(2'500));
  EXPECT_EQ(probe.run(0, {"SET", "{0}k", "v"}), "OK");
}

INSTANTIATE_TEST_SUITE_P(Servers, RedisClientSentinel, ::testing::Values("redis", "valkey"),
                         [](const auto& brand) { return std::string(brand.param); });

}  // namespace
}  // namespace sockhook::redis
