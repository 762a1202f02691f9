// The scripts of leases and take-overs by themselves, on a real Redis: what their contracts say of
// clocks and failovers, which no test can bring about.

#include "backplane/redis/lease_scripts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "backplane/redis/keys.h"
#include "tests/support/redis_process.h"

namespace sockhook::backplane {
namespace {

using redis::Reply;
using Words = std::vector<std::string>;

constexpr std::int64_t kLease = 15'000;
constexpr std::int64_t kTolerance = 2'500;
constexpr std::int64_t kTtl = 60'000;
const std::string kSelf = "aaaaaaaaaaaa";
const std::string kOther = "bbbbbbbbbbbb";
const std::string kDead = "dddddddddddd";

class LeaseScriptsTest : public ::testing::Test {
 protected:
  struct Beat {
    std::string name = "self";
    std::string claims = "handed over";
    std::int64_t skew = 0;
    bool is_new = false;
    std::string former = {};
    Words held = {};
  };

  static void SetUpTestSuite() { server_ = std::make_unique<testing::RedisProcess>("redis"); }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override { run({"FLUSHALL"}); }
  // Every key has a time to live, whatever the test did.
  void TearDown() override {
    const Reply all = run({"KEYS", "*"});
    for (std::size_t i = 0; i < all.array()->size(); ++i) {
      EXPECT_GT(*run({"PTTL", *all.at(i).string()}).integer(), 0) << *all.at(i).string();
    }
  }

  static Reply run(const Words& words) { return server_->run(words); }
  static Reply run(Script script, const Words& script_keys, const Words& arguments) {
    Words words{"EVAL", script_source(script), std::to_string(script_keys.size())};
    words.insert(words.end(), script_keys.begin(), script_keys.end());
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run(words);
  }
  std::int64_t now() {
    const Reply time = run({"TIME"});
    return std::stoll(*time.at(0).string()) * 1'000 + std::stoll(*time.at(1).string()) / 1'000;
  }
  Reply beat(const Beat& beat, const std::string& node = kSelf) {
    Words arguments{node,
                    beat.name,
                    std::to_string(kLease),
                    std::to_string(kTtl),
                    keys.start(0),
                    "1",
                    beat.claims,
                    std::to_string(now() - beat.skew),
                    std::to_string(kTolerance),
                    beat.is_new ? "1" : "0",
                    beat.former};
    arguments.insert(arguments.end(), beat.held.begin(), beat.held.end());
    return run(
        Script::kBeat,
        {keys.dead(0, node), keys.up(0), keys.names(0), keys.leases(0), keys.takers(0),
         keys.members(0, node), keys.records(0, node), keys.numbers(0, node), keys.id(beat.name)},
        arguments);
  }
  // A node whose lease runs out then, by Redis' clock from now.
  void add_lease(const std::string& node, std::int64_t from_now) {
    const std::string until = std::to_string(now() + from_now);
    for (const std::string& key : {keys.leases(0), keys.up(0)}) run({"ZADD", key, until, node});
    run({"HSET", keys.names(0), node, "name of " + node});
    for (const std::string& key : {keys.leases(0), keys.up(0), keys.names(0)}) {
      run({"PEXPIRE", key, std::to_string(kTtl)});
    }
  }
  std::int64_t lease_of(const std::string& node) {
    const Reply score = run({"ZSCORE", keys.leases(0), node});
    return score.string() != nullptr ? std::stoll(*score.string()) - now() : -1;
  }
  std::string tombstone(const std::string& node) {
    const Reply reply = run({"GET", keys.dead(0, node)});
    return reply.string() != nullptr ? *reply.string() : "";
  }
  // {node, name, reason, ...}
  static Words taken(const Reply& reply) {
    Words words;
    for (const Reply& word : *reply.at(4).array()) words.push_back(*word.string());
    return words;
  }
  Reply replace(const std::string& older) {
    return run(Script::kReplace,
               {keys.dead(0, kSelf), keys.dead(0, older), keys.up(0), keys.names(0), keys.leases(0),
                keys.takers(0)},
               {kSelf, older, std::to_string(kLease), std::to_string(kTtl)});
  }

  const Keys keys{"p", 1};

 private:
  static inline std::unique_ptr<testing::RedisProcess> server_;
};

TEST_F(LeaseScriptsTest, AnExpiredListIsTakenInOneStepByWhoMayClaim) {
  add_lease(kDead, -1);
  EXPECT_EQ(taken(beat({.claims = "handed over"})), Words{});
  EXPECT_EQ(tombstone(kDead), "");
  EXPECT_EQ(taken(beat({.claims = "expired"})), (Words{kDead, "name of " + kDead, "lost"}));
  EXPECT_EQ(tombstone(kDead), "lost");
  EXPECT_TRUE(run({"ZSCORE", keys.up(0), kDead}).is_nil());
  EXPECT_NEAR(static_cast<double>(lease_of(kDead)), kLease, 1'000);
  EXPECT_EQ(taken(beat({.name = "other", .claims = "expired"}, kOther)), Words{}) << "one has it";
  EXPECT_TRUE(beat({.name = "dead"}, kDead).is_error("FENCED"));
}

TEST_F(LeaseScriptsTest, AListThatWasHandedOverIsTakenByAnybody) {
  add_lease(kDead, 0);
  run({"ZADD", keys.leases(0), "0", kDead});
  EXPECT_EQ(taken(beat({.claims = "handed over"})).at(0), kDead);
}

TEST_F(LeaseScriptsTest, WhoHasRetiredTakesNothing) {
  add_lease(kDead, -1);
  add_lease(kOther, 0);
  run({"ZADD", keys.leases(0), "0", kOther});
  EXPECT_EQ(taken(beat({.claims = "none"})), Words{});
  EXPECT_EQ(tombstone(kDead), "");
}

TEST_F(LeaseScriptsTest, OneHeartbeatTakesOnlySoMany) {
  for (std::size_t i = 0; i < kMaxClaims + 3; ++i) {
    add_lease("dddddddddd" + std::to_string(10 + i), -1);
  }
  EXPECT_EQ(taken(beat({.claims = "expired"})).size(), 3 * kMaxClaims);
  EXPECT_EQ(taken(beat({.claims = "expired"})).size(), 3 * (kMaxClaims + 3)) << "and keeps them";
}

// Or it stood still, and with it the heartbeats of all.
TEST_F(LeaseScriptsTest, AfterAJumpForwardNobodyIsExpired) {
  add_lease(kDead, -1);
  const Reply reply = beat({.claims = "expired", .skew = kTolerance + 1'000});
  EXPECT_GT(*reply.at(2).integer(), kTolerance);
  EXPECT_EQ(taken(reply), Words{});
  EXPECT_EQ(tombstone(kDead), "");
}

TEST_F(LeaseScriptsTest, AJumpBackDoesNotMakeTheDeadLiveLonger) {
  add_lease(kDead, 3'600'000);
  beat({.claims = "expired", .skew = 0});
  EXPECT_GT(lease_of(kDead), kLease);
  const Reply reply = beat({.claims = "expired", .skew = -3'600'000});
  EXPECT_LT(*reply.at(2).integer(), -kTolerance);
  EXPECT_LE(lease_of(kDead), kLease);
}

// The tombstone was written in the second that a failover lost.
TEST_F(LeaseScriptsTest, WhoWasDeclaredDeadOnceStaysDead) {
  add_lease(kDead, 5'000);  // it has come to life again
  EXPECT_EQ(taken(beat({.held = {kDead}})).at(0), kDead);
  EXPECT_EQ(tombstone(kDead), "lost");
}

TEST_F(LeaseScriptsTest, AListThatAnotherHasIsLost) {
  add_lease(kDead, -1);
  beat({.name = "other", .claims = "expired"}, kOther);
  EXPECT_EQ(taken(beat({.claims = "expired", .held = {kDead}})), Words{});
  run({"ZADD", keys.leases(0), "1", kDead});  // the other one is dead as well
  EXPECT_EQ(taken(beat({.claims = "expired"})).at(0), kDead);
}

TEST_F(LeaseScriptsTest, ANewcomerReplacesAndOthersGiveWayToTheLiving) {
  beat({.name = "same", .is_new = true}, kOther);
  EXPECT_TRUE(beat({.name = "same"}).is_error("FENCED")) << "it only came back";
  EXPECT_EQ(*beat({.name = "same", .former = kOther}).at(3).string(), kOther) << "was it itself";
  EXPECT_EQ(*run({"GET", keys.id("same")}).string(), kSelf);
  EXPECT_EQ(*beat({.name = "same"}).at(3).string(), "");
  EXPECT_EQ(*beat({.name = "same", .is_new = true}, kOther).at(3).string(), kSelf);
  run({"ZADD", keys.up(0), "1", kOther});
  EXPECT_EQ(*beat({.name = "same"}).at(3).string(), kOther) << "the other one is dead";
}

TEST_F(LeaseScriptsTest, WhatHasATakerThatLivesIsNotReplaced) {
  add_lease(kDead, 5'000);
  EXPECT_EQ(replace(kDead).array()->size(), 2U);
  EXPECT_EQ(tombstone(kDead), "replaced");
  EXPECT_TRUE(beat({.name = "dead"}, kDead).is_error("FENCED"));
  EXPECT_TRUE(replace(kDead).array()->empty()) << "somebody is at it";
  run({"ZADD", keys.leases(0), "1", kDead});
  EXPECT_EQ(replace(kDead).array()->size(), 2U) << "who was at it died";
  run({"ZREM", keys.leases(0), kDead});
  EXPECT_TRUE(replace(kDead).array()->empty()) << "all is done";
}

TEST_F(LeaseScriptsTest, AHeartbeatTellsWhoIsAliveAndForgetsWhoHasLongBeenDead) {
  add_lease(kOther, 5'000);
  add_lease(kDead, -1);
  const Reply first = beat({});
  EXPECT_EQ(*first.at(1).integer(), 0) << "new here";
  EXPECT_EQ(first.at(5).array()->size(), 2U) << "itself and the other";
  EXPECT_EQ(*beat({}).at(1).integer(), 1);
  EXPECT_FALSE(run({"ZSCORE", keys.up(0), kDead}).is_nil());
  run({"ZADD", keys.up(0), std::to_string(now() - kTtl - 1), kDead});
  beat({});
  EXPECT_TRUE(run({"ZSCORE", keys.up(0), kDead}).is_nil());
}

TEST_F(LeaseScriptsTest, OnlyTheTakerTouchesAList) {
  add_lease(kDead, -1);
  beat({.claims = "expired"});
  run({"HSET", keys.records(0, kDead), "id", "data"});
  run({"PEXPIRE", keys.records(0, kDead), std::to_string(kTtl)});
  const auto touch = [&](Script script, const std::string& node, const Words& arguments) {
    Words all{node, kDead};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(script, {keys.dead(0, node), keys.takers(0), keys.records(0, kDead)}, all);
  };
  EXPECT_EQ(*touch(Script::kTakePage, kOther, {"0", "10"}).integer(), 0);
  EXPECT_EQ(*touch(Script::kEraseOrphans, kOther, {"id"}).integer(), 0);
  EXPECT_EQ(*run({"HLEN", keys.records(0, kDead)}).integer(), 1);
  EXPECT_EQ(touch(Script::kTakePage, kSelf, {"0", "10"}).at(1).array()->size(), 2U);
  EXPECT_EQ(*touch(Script::kEraseOrphans, kSelf, {"id"}).integer(), 1);
  EXPECT_EQ(*run({"EXISTS", keys.records(0, kDead)}).integer(), 0);
}

}  // namespace
}  // namespace sockhook::backplane
