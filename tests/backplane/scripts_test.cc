// The scripts of messages, names and claims by themselves, on a real Redis: what takes 20 minutes
// or a strange server to come about.

#include "backplane/redis/scripts.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "backplane/redis/keys.h"
#include "tests/support/redis_process.h"

namespace sockhook::backplane {
namespace {

using redis::Reply;
using Words = std::vector<std::string>;

const std::string kSelf = "aaaaaaaaaaaa";
const std::string kOther = "bbbbbbbbbbbb";
const std::string kGone = "cccccccccccc";

class ScriptsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<testing::RedisProcess>("redis"); }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    run({"FLUSHALL"});
    run({"ZADD", up, "9999999999999", kOther, "9999999999999", kSelf});
    run({"PEXPIRE", up, "60000"});
  }

  static Reply run(const Words& words) { return server_->run(words); }
  static Reply run(Script script, const Words& script_keys, const Words& arguments) {
    Words words{"EVAL", script_source(script), std::to_string(script_keys.size())};
    words.insert(words.end(), script_keys.begin(), script_keys.end());
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run(words);
  }
  static std::int64_t number(const Words& words) {
    const Reply reply = run(words);
    return reply.integer() != nullptr ? *reply.integer() : -99;
  }
  static Words texts(const Reply& reply) {
    Words words;
    for (std::size_t i = 0; reply.array() != nullptr && i < reply.array()->size(); ++i) {
      const Reply& element = reply.at(i);
      words.push_back(element.string() != nullptr ? *element.string()
                                                  : std::to_string(*element.integer()));
    }
    return words;
  }
  Words send(const std::string& receiver) {
    return texts(run(Script::kSend, {dead, up, numbers},
                     {kSelf, "PUBLISH", keys.channels(0), "m", "payload", receiver}));
  }
  Words send_to_name(const std::string& name) {
    return texts(run(Script::kSendName, {dead, up, numbers, keys.start(0) + name},
                     {kSelf, "PUBLISH", keys.channels(0), "m", "payload"}));
  }
  Reply set_names(const Words& names, const Words& values, const std::string& epoch) {
    Words script_keys{dead, members};
    for (const std::string& name : names) script_keys.push_back(keys.start(0) + name);
    Words arguments{kSelf, "3600000", "60000", epoch, std::to_string(keys.start(0).size() + 1)};
    arguments.insert(arguments.end(), values.begin(), values.end());
    return run(Script::kSetNames, script_keys, arguments);
  }
  Words refresh(const std::string& offset, const std::string& limit) {
    return texts(run(Script::kRefreshNames, {dead, members, up, numbers},
                     {kSelf, "3600000", "60000", keys.start(0), offset, limit}));
  }

  const Keys keys{"t", 1};
  const std::string dead = keys.dead(0, kSelf);
  const std::string up = keys.up(0);
  const std::string numbers = keys.numbers(0, kSelf);
  const std::string members = keys.members(0, kSelf);

  static std::uint16_t server_port() { return server_->port(); }

 private:
  static std::unique_ptr<testing::RedisProcess> server_;
};

std::unique_ptr<testing::RedisProcess> ScriptsTest::server_;

TEST_F(ScriptsTest, NumbersCountWhatWasHeardAndNothingElse) {
  EXPECT_EQ(send(kOther), (Words{kOther, "0"})) << "up, but deaf";
  testing::RedisConversation listener(server_port());
  listener.run({"SUBSCRIBE", keys.channel(0, kOther)});
  EXPECT_EQ(send(kOther), (Words{kOther, "1"}));
  EXPECT_EQ(send(kOther), (Words{kOther, "2"}));
  EXPECT_EQ(send(kGone), Words{});
  EXPECT_EQ(number({"HEXISTS", numbers, kGone}), 0) << "ids that were made up leave no trace";
  EXPECT_GT(number({"PTTL", numbers}), 0);
}

TEST_F(ScriptsTest, WhoseLeaseRanOutIsSentToAsLongAsItListens) {
  run({"ZADD", up, "1", kOther});
  EXPECT_EQ(send(kOther), Words{});
  testing::RedisConversation listener(server_port());
  listener.run({"SUBSCRIBE", keys.channel(0, kOther)});
  EXPECT_EQ(send(kOther), (Words{kOther, "1"}));
}

TEST_F(ScriptsTest, ANameForgetsNodesThatAreNoMore) {
  run({"HSET", keys.start(0) + "g:room", kOther, "1", kGone, "1", kSelf, "1"});
  EXPECT_EQ(send_to_name("g:room"), (Words{kOther, "0"}));
  EXPECT_EQ(number({"HEXISTS", keys.start(0) + "g:room", kGone}), 0);
  EXPECT_EQ(number({"HLEN", keys.start(0) + "g:room"}), 2);
}

// After a loss of data whoever is there has not registered again either.
TEST_F(ScriptsTest, WhomRedisDoesNotKnowIsToldInsteadOfNobody) {
  run({"ZREM", up, kSelf});
  const Words sender{kSelf, "PUBLISH", keys.channels(0), "m", "payload"};
  const Words to_other{kSelf, "PUBLISH", keys.channels(0), "m", "payload", kOther};
  const std::string name = keys.start(0) + "g:room";
  run({"HSET", name, kOther, "1"});
  for (const Reply& reply :
       {run(Script::kSend, {dead, up, numbers}, to_other),
        run(Script::kSendName, {dead, up, numbers, name}, sender),
        run(Script::kSendAll, {dead, up, numbers}, sender),
        run(Script::kIsUp, {up}, {kSelf, kOther}), run(Script::kLookup, {up, name}, {kSelf})}) {
    EXPECT_TRUE(reply.is_error("FORGOTTEN")) << reply.error();
  }
  EXPECT_EQ(number({"HEXISTS", name, kOther}), 1) << "nothing is cleaned away";
}

TEST_F(ScriptsTest, OfTheDeadNothingIsTaken) {
  run({"SET", dead, "lost", "PX", "60000"});
  EXPECT_EQ(set_names({"g:room"}, {"1"}, "1").error(), "FENCED lost");
  EXPECT_EQ(number({"EXISTS", keys.start(0) + "g:room", members}), 0);
  run({"SET", dead, "replaced", "PX", "60000"});
  EXPECT_TRUE(
      run(Script::kClaim, {dead, "t:{0}:claim:x", up}, {kSelf, "f", "1000"}).is_error("FENCED"));
}

TEST_F(ScriptsTest, RefreshingRenewsPageByPageAndTellsWhatIsMissing) {
  set_names({"g:a", "g:b", "u:c"}, {"1", "2", "id"}, "1");
  for (const char* name : {"g:a", "g:b", "u:c"}) run({"PEXPIRE", keys.start(0) + name, "1000"});
  EXPECT_EQ(refresh("0", "2"), (Words{"2", "0"}));
  EXPECT_GT(number({"PTTL", keys.start(0) + "g:a"}), 3'000'000);
  EXPECT_LE(number({"PTTL", keys.start(0) + "u:c"}), 1'000);
  EXPECT_EQ(refresh("2", "2"), (Words{"1", "0"}));
  EXPECT_GT(number({"PTTL", keys.start(0) + "u:c"}), 3'000'000);
  run({"DEL", keys.start(0) + "g:b"});  // evicted
  EXPECT_EQ(refresh("0", "10"), (Words{"3", "1"}));
}

TEST_F(ScriptsTest, RefreshingForgetsTheNumbersOfNodesThatAreNoMore) {
  run({"HSET", numbers, kOther, "7", kGone, "7"});
  refresh("0", "10");
  EXPECT_EQ(number({"HEXISTS", numbers, kOther}), 1);
  EXPECT_EQ(number({"HEXISTS", numbers, kGone}), 0);
}

TEST_F(ScriptsTest, ASweepTakesBackWhatWasNotSaidAgain) {
  set_names({"g:old", "g:both"}, {"1", "1"}, "1");
  set_names({"g:both", "g:new"}, {"2", "1"}, "2");
  const Reply swept = run(Script::kSweepNames, {dead, members}, {kSelf, "2", keys.start(0), "10"});
  EXPECT_EQ(*swept.integer(), 1);
  EXPECT_EQ(number({"EXISTS", keys.start(0) + "g:old"}), 0);
  EXPECT_EQ(number({"EXISTS", keys.start(0) + "g:both", keys.start(0) + "g:new"}), 2);
  EXPECT_EQ(number({"ZCARD", members}), 2);
}

TEST_F(ScriptsTest, AClaimOfADeadNodeIsReleased) {
  const std::string claim = keys.claim(0, {});
  const auto ask = [&](const std::string& node) {
    return texts(run(Script::kClaim, {keys.dead(0, node), claim, up}, {node, "f", "60000"}));
  };
  EXPECT_EQ(ask(kOther), Words{"0"});
  EXPECT_EQ(ask(kSelf), Words{"3"});
  run({"ZREM", up, kOther});
  EXPECT_EQ(ask(kSelf), Words{"0"});
  const Reply late =
      run(Script::kSettle, {keys.dead(0, kOther), claim}, {kOther, "60000", "f", "200", "late"});
  EXPECT_EQ(*late.integer(), 0) << "it is another's by now";
}

}  // namespace
}  // namespace sockhook::backplane
