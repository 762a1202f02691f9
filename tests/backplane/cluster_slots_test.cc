#include "backplane/redis/cluster_slots.h"

#include <gtest/gtest.h>

namespace sockhook::redis {
namespace {

const conf::HostPort kAsked{"asked", 1};

Reply number(std::int64_t value) { return Reply(value); }
Reply text(const char* value) { return Reply(std::string(value)); }
Reply list(Reply::Array elements) { return Reply(std::move(elements)); }
Reply error(const char* value) { return Reply(Reply::Error{value}); }

TEST(ClusterSlots, AgreeWithRedis) {
  // CLUSTER KEYSLOT says the same.
  EXPECT_EQ(slot_of("123456789"), 0x31c3);
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of(""), 0);
}

TEST(ClusterSlots, MapShardsToMasters) {
  const Reply half = list({number(0), number(8191), list({text("10.0.0.1"), number(6379)}),
                           list({text("10.0.0.9"), number(6379)})});
  const Reply nameless = list({number(8192), number(16383), list({Reply(), number(7000)})});
  const auto map = read_slots(list({half, nameless}), 16, kAsked);
  ASSERT_TRUE(map);
  for (Shard shard = 0; shard < 16; ++shard) {
    const bool is_first = slot_of(std::to_string(shard)) < 8192;
    const conf::HostPort expected =
        is_first ? conf::HostPort{"10.0.0.1", 6379} : conf::HostPort{"asked", 7000};
    EXPECT_EQ((*map)[shard], expected) << shard;
  }
}

TEST(ClusterSlots, LeaveShardsWithoutAMasterEmpty) {
  const auto map = read_slots(list({}), 16, kAsked);
  ASSERT_TRUE(map);
  EXPECT_FALSE((*map)[3]);
}

TEST(ClusterSlots, RefuseWhatTheyCannotRead) {
  EXPECT_FALSE(read_slots(error("ERR This instance has cluster support disabled"), 16, kAsked));
  EXPECT_FALSE(read_slots(list({number(1)}), 16, kAsked));
  EXPECT_FALSE(
      read_slots(list({list({number(0), number(9), list({text("h"), number(0)})})}), 16, kAsked));
}

TEST(ClusterSlots, ReadRedirections) {
  EXPECT_EQ(read_redirection(error("MOVED 3999 127.0.0.1:6381"), kAsked),
            (conf::HostPort{"127.0.0.1", 6381}));
  EXPECT_EQ(read_redirection(error("ASK 3999 ::1:6381"), kAsked), (conf::HostPort{"::1", 6381}));
  EXPECT_EQ(read_redirection(error("MOVED 3999 :6381"), kAsked), (conf::HostPort{"asked", 6381}));
  EXPECT_FALSE(read_redirection(error("MOVED 3999 somewhere"), kAsked));
  EXPECT_FALSE(read_redirection(error("MOVED 3999 h:99999"), kAsked));
  EXPECT_FALSE(read_redirection(error("MOVED"), kAsked));
}

}  // namespace
}  // namespace sockhook::redis
