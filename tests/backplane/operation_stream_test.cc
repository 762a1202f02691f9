// OperationStream against a real server: the order, what is handed over again, and who reads.

#include "backplane/redis/operation_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/loop_runner.h"
#include "tests/support/redis_process.h"

namespace sockhook::redis {
namespace {

using ::testing::ElementsAre;
using testing::RedisProcess;

constexpr const char* kStream = "t:{0}:operations";
constexpr const char* kLock = "t:{0}:operations:lock";

// A node: what it was handed over, in order.
class Reader final : public OperationStreamListener {
 public:
  Reader(testing::LoopRunner& runner, const conf::Redis& conf, const std::string& node)
      : stream(runner.loop(), conf, node, 100, this), runner_(runner) {
    stream.start();
  }
  ~Reader() {
    if (!is_stopped) stop();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void stop() {
    stream.stop();
    EXPECT_TRUE(runner_.run_until([&] { return is_stopped; }, 5'000));
  }
  bool wait_for(std::size_t count, int limit_ms = 5'000) {
    return runner_.run_until([&] { return operations.size() >= count; }, limit_ms);
  }
  bool wait_until_reader() {
    return runner_.run_until([&] { return stream.is_reader(); }, 5'000);
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const StreamedOperation& each : operations) texts.push_back(each.op.value_or("none"));
    return texts;
  }
  void finish(std::size_t index, std::optional<OperationOutcome> outcome = {}) {
    stream.finish(operations.at(index).entry, std::move(outcome));
  }
  void finish_all() {
    for (std::size_t i = 0; i < operations.size(); ++i) finish(i);
  }

  void on_operations(std::vector<StreamedOperation> added) override {
    for (StreamedOperation& each : added) operations.push_back(std::move(each));
  }
  void on_withdrawn() override { ++withdrawals; }
  void on_stopped() override { is_stopped = true; }

  std::vector<StreamedOperation> operations;
  int withdrawals = 0;
  bool is_stopped = false;
  OperationStream stream;

 private:
  testing::LoopRunner& runner_;
};

class OperationStreamTest : public ::testing::Test {
 protected:
  OperationStreamTest() {
    conf.server = {"127.0.0.1", server.port()};
    conf.prefix = "t";
    conf.lease = conf::Duration{900};
  }

  std::string add(const std::string& op, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"XADD", kStream, "*", "op", op};
    words.insert(words.end(), more.begin(), more.end());
    return server.text(words);
  }
  std::int64_t entries() const { return *server.run({"XLEN", kStream}).integer(); }
  std::int64_t ttl(const std::string& key) const { return *server.run({"PTTL", key}).integer(); }
  bool wait_for_entries(std::int64_t count) {
    return runner.run_until([&] { return entries() == count; }, 5'000);
  }

  RedisProcess server{"redis"};
  conf::Redis conf;
  testing::LoopRunner runner;
};

TEST_F(OperationStreamTest, HandsOverInOrderWhatWasThereBeforeAndWhatComes) {
  add("1");
  add("2", {"key", "k", "reply", "r"});
  Reader reader(runner, conf, "a");
  ASSERT_TRUE(reader.wait_for(2));
  add("3");
  ASSERT_TRUE(reader.wait_for(3));
  EXPECT_THAT(reader.texts(), ElementsAre("1", "2", "3"));
  EXPECT_EQ(reader.operations[1].key, "k");
  EXPECT_EQ(reader.operations[1].reply, "r");
  EXPECT_EQ(reader.operations[2].reply, "");
  reader.finish_all();
  EXPECT_TRUE(wait_for_entries(0));
  EXPECT_EQ(server.run({"XPENDING", kStream, "sockhook"}).at(0).integer()[0], 0);
}

TEST_F(OperationStreamTest, WakesAtOnceWhenItIsIdle) {
  Reader reader(runner, conf, "a");
  ASSERT_TRUE(reader.wait_until_reader());
  std::uint64_t slowest_ms = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const std::uint64_t began_ms = runner.loop().now_ms();
    add(std::to_string(i));
    ASSERT_TRUE(reader.wait_for(i + 1));
    slowest_ms = std::max(slowest_ms, runner.loop().now_ms() - began_ms);
    reader.finish(i);
  }
  EXPECT_LT(slowest_ms, OperationStream::kBlockMs / 2);
}

TEST_F(OperationStreamTest, ReadsOnWhileOperationsAreUnderWayUpToTheWindow) {
  for (std::size_t i = 0; i < OperationStream::kWindow + 10; ++i) add(std::to_string(i));
  Reader reader(runner, conf, "a");
  ASSERT_TRUE(reader.wait_for(OperationStream::kWindow));
  runner.run_for(100);
  EXPECT_EQ(reader.operations.size(), OperationStream::kWindow);
  EXPECT_EQ(reader.stream.entries_left(), OperationStream::kWindow + 10);
  EXPECT_GE(reader.stream.lag_ms(), 50U);
  reader.finish(5);
  ASSERT_TRUE(reader.wait_for(OperationStream::kWindow + 1));
  EXPECT_EQ(reader.texts().back(), std::to_string(OperationStream::kWindow));
}

TEST_F(OperationStreamTest, TellsTheOutcomeOnce) {
  const std::string entry = add("1", {"reply", "shop"});
  Reader reader(runner, conf, "a");
  ASSERT_TRUE(reader.wait_for(1));
  reader.finish(0, OperationOutcome{"shop", 410, "{\"code\":\"gone\"}"});
  ASSERT_TRUE(wait_for_entries(0));
  reader.finish(0, OperationOutcome{"shop", 200, "{}"});  // as after an answer that was not heard
  add("2");
  ASSERT_TRUE(reader.wait_for(2));
  const Reply outcomes = server.run({"XRANGE", "t:{0}:outcomes:shop", "-", "+"});
  ASSERT_EQ(outcomes.array()->size(), 1U);
  const Reply& fields = outcomes.at(0).at(1);
  EXPECT_EQ(*fields.at(1).string(), entry);
  EXPECT_EQ(*fields.at(3).string(), "410");
  EXPECT_EQ(*fields.at(5).string(), "{\"code\":\"gone\"}");
}

TEST_F(OperationStreamTest, EveryKeyHasATimeToLive) {
  add("1", {"reply", "r"});
  Reader reader(runner, conf, "a");
  ASSERT_TRUE(reader.wait_for(1));
  reader.finish(0, OperationOutcome{"r", 200, "{}"});
  ASSERT_TRUE(wait_for_entries(0));
  const Reply keys = server.run({"KEYS", "*"});
  ASSERT_EQ(keys.array()->size(), 3U);
  for (const Reply& key : *keys.array()) EXPECT_GT(ttl(*key.string()), 0) << *key.string();
  EXPECT_LE(ttl(kLock), 900);
}

TEST_F(OperationStreamTest, MarksEntriesThatCannotBeReadAndSkipsThoseThatWereTrimmed) {
  server.run({"XADD", kStream, "*", "other", "x"});
  add(std::string(101, 'x'), {"reply", "r"});
  add("fine");
  Reader reader(runner, conf, "a");
  ASSERT_TRUE(reader.wait_for(3));
  EXPECT_FALSE(reader.operations[0].op.has_value());
  EXPECT_TRUE(reader.operations[1].is_oversized);
  EXPECT_EQ(reader.operations[1].reply, "r");
  server.run({"XTRIM", kStream, "MAXLEN", "0"});
  reader.stop();
  Reader next(runner, conf, "b");
  ASSERT_TRUE(next.wait_until_reader());
  add("new");
  ASSERT_TRUE(next.wait_for(1));
  EXPECT_THAT(next.texts(), ElementsAre("new"));
}

TEST_F(OperationStreamTest, ASuccessorBeginsWithWhatWasLeftInOrder) {
  Reader first(runner, conf, "a");
  ASSERT_TRUE(first.wait_until_reader());
  Reader second(runner, conf, "b");
  for (const char* op : {"1", "2", "3"}) add(op);
  ASSERT_TRUE(first.wait_for(3));
  first.finish(1);
  ASSERT_TRUE(wait_for_entries(2));
  runner.run_for(100);
  EXPECT_FALSE(second.stream.is_reader());
  first.stop();
  add("4");
  ASSERT_TRUE(second.wait_for(3));
  EXPECT_THAT(second.texts(), ElementsAre("1", "3", "4"));
}

TEST_F(OperationStreamTest, ARetiredReaderLetsGoOnceNothingIsUnderWay) {
  Reader first(runner, conf, "a");
  ASSERT_TRUE(first.wait_until_reader());
  for (const char* op : {"1", "2"}) add(op);
  ASSERT_TRUE(first.wait_for(2));
  first.stream.retire();
  Reader second(runner, conf, "b");
  add("3");
  runner.run_for(200);
  EXPECT_TRUE(second.operations.empty());
  first.stream.give_back(first.operations[1].entry);
  first.finish(0);
  ASSERT_TRUE(second.wait_for(2));
  EXPECT_THAT(second.texts(), ElementsAre("2", "3"));
  EXPECT_EQ(first.operations.size(), 2U);
}

TEST_F(OperationStreamTest, AReaderThatIsCutOffIsWithdrawnWithinItsLease) {
  Reader first(runner, conf, "a");
  ASSERT_TRUE(first.wait_until_reader());
  add("1");
  ASSERT_TRUE(first.wait_for(1));
  server.freeze();
  EXPECT_TRUE(runner.run_until([&] { return first.withdrawals == 1; }, 1'500));
  server.thaw();
  // It is handed over again, here, since nobody else reads.
  ASSERT_TRUE(first.wait_for(2, 8'000));
  EXPECT_THAT(first.texts(), ElementsAre("1", "1"));
}

TEST_F(OperationStreamTest, TheLockOfADeadReaderRunsOut) {
  server.run({"SET", kLock, "dead", "PX", "600"});
  Reader reader(runner, conf, "a");
  add("1");
  runner.run_for(300);
  EXPECT_TRUE(reader.operations.empty());
  ASSERT_TRUE(reader.wait_for(1));
}

TEST_F(OperationStreamTest, ALockThatSomebodyElseHoldsMeansWithdrawal) {
  Reader reader(runner, conf, "a");
  ASSERT_TRUE(reader.wait_until_reader());
  server.run({"SET", kLock, "other", "PX", "300"});
  EXPECT_TRUE(runner.run_until([&] { return reader.withdrawals == 1; }, 3'000));
  ASSERT_TRUE(reader.wait_until_reader());
}

TEST_F(OperationStreamTest, GoesOnWhenRedisComesBackEmpty) {
  Reader reader(runner, conf, "a");
  ASSERT_TRUE(reader.wait_until_reader());
  add("1");
  ASSERT_TRUE(reader.wait_for(1));
  server.kill();
  runner.run_for(200);
  reader.finish(0);
  server.start();
  add("2");
  ASSERT_TRUE(reader.wait_for(2, 10'000));
  EXPECT_THAT(reader.texts(), ElementsAre("1", "2"));
  reader.finish(1);
  EXPECT_TRUE(wait_for_entries(0));
}

TEST_F(OperationStreamTest, NothingIsLostWhenConnectionsBreakAllTheTime) {
  Reader reader(runner, conf, "a");
  ASSERT_TRUE(reader.wait_until_reader());
  std::vector<std::string> added;
  for (int i = 0; i < 200; ++i) {
    added.push_back(std::to_string(i));
    add(added.back());
    if (i % 20 == 10) server.run({"CLIENT", "KILL", "TYPE", "normal"});
    runner.run_for(2);
    reader.finish_all();
  }
  ASSERT_TRUE(runner.run_until(
      [&] {
        reader.finish_all();
        return entries() == 0;
      },
      20'000));
  std::vector<std::string> first_times;
  for (const std::string& text : reader.texts()) {
    if (std::find(first_times.begin(), first_times.end(), text) == first_times.end()) {
      first_times.push_back(text);
    }
  }
  EXPECT_EQ(first_times, added);
}

TEST_F(OperationStreamTest, TellsNamesThatMayBeReplies) {
  EXPECT_TRUE(OperationStream::is_valid_reply("shop-1.eu_2:x"));
  EXPECT_TRUE(OperationStream::is_valid_reply(std::string(128, 'a')));
  for (const std::string& name : {std::string(), std::string("a b"), std::string("ü"),
                                  std::string("a{1}"), std::string(129, 'a')}) {
    EXPECT_FALSE(OperationStream::is_valid_reply(name)) << name;
  }
}

}  // namespace
}  // namespace sockhook::redis
