// The records of a node's own connections over a real Redis.

#include "backplane/redis/record_store.h"

#include "tests/backplane/lives_over_redis.h"

namespace sockhook::backplane {
namespace {

class RecordStoreTest : public LivesOverRedis {
 protected:
  std::string record(const ClusterMember& member, std::uint32_t i) {
    return text({"HGET", records_key(member), connection(member, i).to_string()});
  }
  void TearDown() override { grounds.redis().alone->thaw(); }
};

TEST_F(RecordStoreTest, OfAConnectionTheLastChangeCounts) {
  ClusterMember& a = grounds.add("a");
  const ConnectionId id = connection(a, 1);
  a.put_record(id, "first", 101);
  a.erase_record(id);
  a.put_record(id, "second", 102);
  a.put_record(id, "third");
  ASSERT_TRUE(eventually([&] { return record(a, 1) == "third"; }));
  ASSERT_TRUE(eventually([&] { return a.recorded.size() == 2; }));
  EXPECT_TRUE(a.recorded[101]);
  EXPECT_TRUE(a.recorded[102]);
  a.put_record(id, "fourth");
  ASSERT_TRUE(put(a, id, "fifth"));
  EXPECT_EQ(record(a, 1), "fifth");
  a.erase_record(id);
  ASSERT_TRUE(eventually([&] { return record_count(a) == 0; }));
}

TEST_F(RecordStoreTest, DataIsBytes) {
  ClusterMember& a = grounds.add("a");
  const std::string data("\0\r\n$5\xff", 7);
  ASSERT_TRUE(put(a, connection(a, 1), data));
  EXPECT_EQ(record(a, 1), data);
}

// As after a failover that lost the last second.
TEST_F(RecordStoreTest, AListThatRedisHasForgottenIsFoundByTheNextWrite) {
  ClusterMember& a = grounds.add("a");
  ASSERT_TRUE(eventually([&] { return a.repairs == 1; }));
  run({"ZREM", keys.leases(0), node_text(a.self.key)});
  ASSERT_TRUE(put(a, connection(a, 1), "owed"));
  EXPECT_GT(number({"ZRANK", keys.leases(0), node_text(a.self.key)}), -1)
      << "a list that nobody could find";
  EXPECT_TRUE(eventually([&] { return a.repairs == 2; }));
}

TEST_F(RecordStoreTest, WhatWasErasedWhileRedisWasAwayDoesNotStay) {
  ClusterMember& a = grounds.add("a");
  put_all(a, 3);
  grounds.redis().alone->freeze();
  a.erase_record(connection(a, 0));  // under way when the link breaks
  ASSERT_TRUE(eventually([&] { return !a.is_up(); }));
  a.erase_record(connection(a, 1));
  EXPECT_FALSE(put(a, connection(a, 4), "new"));
  grounds.redis().alone->thaw();
  ASSERT_TRUE(eventually([&] { return a.is_up(); }));
  EXPECT_TRUE(eventually([&] { return record_count(a) == 1; }));
  EXPECT_EQ(record(a, 2), "owed 2");
}

// Contract 8: repaired within 5 s of Redis' return, also when it came back empty.
TEST_F(RecordStoreTest, ThreeNodesWithThirtyThousandRecordsAreRepairedWithinFiveSeconds) {
  constexpr std::uint32_t kRecords = 10'000;  // of each node
  constexpr std::size_t kNames = 3'000;       // on each node
  std::vector<ClusterMember*> members;
  for (const char* name : {"a", "b", "c"}) members.push_back(&grounds.add(name));
  for (ClusterMember* member : members) {
    for (std::uint32_t i = 0; i < kRecords; ++i) {
      member->put_record(connection(*member, i), std::string(400, 'x'));
    }
    for (std::size_t i = 0; i < kNames; ++i) set_group(*member, "g" + std::to_string(i), 1 + i);
  }
  const auto is_complete = [&] {
    return std::all_of(members.begin(), members.end(), [&](const ClusterMember* member) {
      return record_count(*member) == kRecords && group_nodes("g0") == 3 &&
             number({"ZCARD", keys.members(0, node_text(member->self.key))}) == kNames;
    });
  };
  ASSERT_TRUE(eventually(is_complete));
  grounds.redis().alone->kill();
  ASSERT_TRUE(eventually([&] { return !members[0]->is_up() && !members[2]->is_up(); }));
  grounds.redis().alone->start();  // empty
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually(is_complete));
  const std::int64_t taken = ms_since(begun);
  RecordProperty("repair_ms", static_cast<int>(taken));
  EXPECT_LT(taken, 5'000);
  for (const ClusterMember* member : members) EXPECT_EQ(member->downs, 1) << "it held up Redis";
}

}  // namespace
}  // namespace sockhook::backplane
