// RedisClient over a real Cluster, of Redis and of Valkey.

#include <gtest/gtest.h>

#include "backplane/redis/cluster_slots.h"
#include "tests/backplane/redis_client_probe.h"
#include "tests/support/redis_cluster.h"

namespace sockhook::redis {
namespace {

using testing::RedisCluster;

constexpr const char* kIncrement = "return redis.call('INCRBY', KEYS[1], ARGV[1])";

std::string channel(Shard shard) { return "t:" + RedisClient::tag(shard) + ":to:node"; }
std::string key(Shard shard) { return "t:" + RedisClient::tag(shard) + ":n"; }
unsigned slot(Shard shard) { return slot_of(std::to_string(shard)); }

class RedisClientCluster : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!testing::has_redis(GetParam())) GTEST_SKIP() << GetParam() << "-server is not installed";
  }
  static conf::Redis conf_of(const RedisCluster& cluster) {
    conf::Redis conf;
    conf.server = {"127.0.0.1", cluster.nodes[0]->port()};
    conf.cluster = true;
    return conf;
  }
  static void subscribe_all(RedisClientProbe& probe) {
    for (Shard shard = 0; shard < probe.client.shards(); ++shard) {
      probe.client.subscribe(shard, channel(shard));
    }
  }
  static bool is_heard(RedisClientProbe& probe, Shard shard, const std::string& text) {
    const std::size_t before = probe.messages.size();
    return probe.run(shard, {"SPUBLISH", channel(shard), text}) == "1" &&
           probe.runner.run_until([&] { return probe.messages.size() > before; }) &&
           probe.messages.back() == std::to_string(shard) + ' ' + channel(shard) + ' ' + text;
  }
};

TEST_P(RedisClientCluster, SpeaksToTheMasterOfEachShard) {
  RedisCluster cluster(GetParam());
  ASSERT_TRUE(cluster.wait_ready());
  RedisClientProbe probe(conf_of(cluster), {kIncrement});
  subscribe_all(probe);
  ASSERT_TRUE(probe.start_and_wait());
  EXPECT_EQ(probe.client.publish_command(), "SPUBLISH");
  for (Shard shard = 0; shard < probe.client.shards(); ++shard) {
    EXPECT_EQ(probe.resubscribed[shard], 1);
    EXPECT_EQ(probe.outcome(probe.send_script(shard, 0, {key(shard)}, {"2"})), "2") << shard;
    EXPECT_TRUE(is_heard(probe, shard, "hello")) << shard;
    EXPECT_EQ(cluster.nodes[RedisCluster::first_owner(slot(shard))]->text({"GET", key(shard)}),
              "2");
  }
}

TEST_P(RedisClientCluster, FollowsASlotThatMoves) {
  RedisCluster cluster(GetParam());
  ASSERT_TRUE(cluster.wait_ready());
  RedisClientProbe probe(conf_of(cluster), {kIncrement});
  subscribe_all(probe);
  ASSERT_TRUE(probe.start_and_wait());
  const Shard shard = 5;
  const unsigned from = RedisCluster::first_owner(slot(shard));
  const unsigned to = (from + 1) % RedisCluster::kMasters;
  EXPECT_EQ(probe.outcome(probe.send_script(shard, 0, {key(shard)}, {"1"})), "1");

  cluster.begin_move(slot(shard), from, to);
  EXPECT_EQ(probe.outcome(probe.send_script(shard, 0, {key(shard)}, {"1"})), "2");
  cluster.move_key(key(shard), from, to);
  // The key is gone: ASK sends the command there, but not one that a later one could overtake.
  EXPECT_EQ(probe.outcome(probe.send_script(shard, 0, {key(shard)}, {"1"})), "3");
  const Ticket early = probe.send_script(shard, 0, {key(shard)}, {"1"});
  const Ticket late = probe.send_script(shard, 0, {key(shard)}, {"1"});
  EXPECT_TRUE(probe.outcome(early).starts_with("not sent: ASK")) << probe.outcome(early);
  EXPECT_EQ(probe.outcome(late), "4");

  cluster.end_move(slot(shard), to);
  EXPECT_EQ(probe.outcome(probe.send_script(shard, 0, {key(shard)}, {"1"})), "5");
  ASSERT_TRUE(probe.runner.run_until([&] { return probe.resubscribed[shard] == 2; }));
  ASSERT_TRUE(probe.wait_up());
  EXPECT_TRUE(is_heard(probe, shard, "moved"));
  EXPECT_EQ(probe.downs, 1);
  EXPECT_EQ(probe.resubscribed[0], 1) << "another shard was touched";
}

TEST_P(RedisClientCluster, HearsOfAMoveFromTheServerWithoutSayingAnything) {
  RedisCluster cluster(GetParam());
  ASSERT_TRUE(cluster.wait_ready());
  RedisClientProbe probe(conf_of(cluster));
  subscribe_all(probe);
  ASSERT_TRUE(probe.start_and_wait());
  const Shard shard = 7;
  const unsigned from = RedisCluster::first_owner(slot(shard));
  const unsigned to = (from + 1) % RedisCluster::kMasters;
  cluster.begin_move(slot(shard), from, to);
  cluster.end_move(slot(shard), to);
  ASSERT_TRUE(probe.runner.run_until([&] { return probe.resubscribed[shard] == 2; }));
  ASSERT_TRUE(probe.wait_up());
  EXPECT_TRUE(is_heard(probe, shard, "moved"));
}

TEST_P(RedisClientCluster, ALaterCommandNeverOvertakesOneThatMoved) {
  RedisCluster cluster(GetParam());
  ASSERT_TRUE(cluster.wait_ready());
  RedisClientProbe probe(conf_of(cluster));
  ASSERT_TRUE(probe.start_and_wait());
  const Shard shard = 5;
  const unsigned from = RedisCluster::first_owner(slot(shard));
  const unsigned to = (from + 1) % RedisCluster::kMasters;
  cluster.begin_move(slot(shard), from, to);
  cluster.end_move(slot(shard), to);
  std::vector<Ticket> tickets;
  for (int i = 0; i < 5; ++i) {
    tickets.push_back(probe.send(shard, {"RPUSH", key(shard), std::to_string(i)}));
  }
  for (std::size_t i = 0; i + 1 < tickets.size(); ++i) {
    EXPECT_TRUE(probe.outcome(tickets[i]).starts_with("not sent: MOVED")) << i;
  }
  EXPECT_EQ(probe.outcome(tickets.back()), "1");
  EXPECT_EQ(probe.run(shard, {"LINDEX", key(shard), "0"}), "4");
}

TEST_P(RedisClientCluster, FollowsAReplicaThatIsPromoted) {
  RedisCluster cluster(GetParam(), true);
  ASSERT_TRUE(cluster.wait_ready());
  RedisClientProbe probe(conf_of(cluster), {kIncrement});
  subscribe_all(probe);
  ASSERT_TRUE(probe.start_and_wait());
  cluster.nodes[0]->kill();  // the one that it knows from the configuration, too
  ASSERT_TRUE(probe.wait_down());
  for (Shard shard = 0; shard < probe.client.shards(); ++shard) {
    if (RedisCluster::first_owner(slot(shard)) == 0) continue;
    EXPECT_EQ(probe.outcome(probe.send_script(shard, 0, {key(shard)}, {"1"})), "1") << shard;
  }
  ASSERT_TRUE(probe.wait_up(20'000));
  for (Shard shard = 0; shard < probe.client.shards(); ++shard) {
    EXPECT_TRUE(is_heard(probe, shard, "hello")) << shard;
  }
}

TEST_P(RedisClientCluster, IsDownWhileAMasterWithoutAReplicaIsAway) {
  RedisCluster cluster(GetParam());
  ASSERT_TRUE(cluster.wait_ready());
  RedisClientProbe probe(conf_of(cluster));
  subscribe_all(probe);
  ASSERT_TRUE(probe.start_and_wait());
  cluster.nodes[2]->kill();
  ASSERT_TRUE(probe.wait_down());
  const auto is_failed = [&] {
    return cluster.nodes[0]->text({"CLUSTER", "INFO"}).find("cluster_state:fail") !=
           std::string::npos;
  };
  ASSERT_TRUE(probe.runner.run_until(is_failed, 5'000));
  // Each command tells that the whole Cluster refuses; that must not come and go.
  for (int i = 0; i < 15; ++i) {
    for (Shard shard = 0; shard < probe.client.shards(); ++shard) {
      const std::string outcome = probe.run(shard, {"GET", key(shard)});
      EXPECT_TRUE(outcome.starts_with("not sent: ")) << outcome;
    }
    probe.runner.run_for(100);
  }
  EXPECT_EQ(probe.ups, 1);
  cluster.nodes[2]->start();
  ASSERT_TRUE(probe.wait_up(15'000));
  EXPECT_TRUE(is_heard(probe, 3, "back"));
}

TEST_P(RedisClientCluster, RestartConnectsToAllMastersAnew) {
  RedisCluster cluster(GetParam());
  ASSERT_TRUE(cluster.wait_ready());
  RedisClientProbe probe(conf_of(cluster));
  subscribe_all(probe);
  ASSERT_TRUE(probe.start_and_wait());
  probe.client.restart();
  ASSERT_TRUE(probe.runner.run_until([&] { return probe.ups == 2; }, 1'000));
  for (Shard shard = 0; shard < probe.client.shards(); ++shard) {
    EXPECT_EQ(probe.resubscribed[shard], 2);
    EXPECT_TRUE(is_heard(probe, shard, "again")) << shard;
  }
}

INSTANTIATE_TEST_SUITE_P(Servers, RedisClientCluster, ::testing::Values("redis", "valkey"),
                         [](const auto& brand) { return std::string(brand.param); });

}  // namespace
}  // namespace sockhook::redis
