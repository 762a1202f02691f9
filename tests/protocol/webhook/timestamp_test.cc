#include "protocol/webhook/timestamp.h"

#include <gtest/gtest.h>

namespace sockhook::webhook {
namespace {

constexpr std::int64_t kMoment = 1'707'487'903'123;  // date -u -d @1707487903

TEST(Timestamp, IsRfc3339InUtcWithMilliseconds) {
  EXPECT_EQ(rfc3339(kMoment), "2024-02-09T14:11:43.123Z");
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(1'709'164'799'007), "2024-02-28T23:59:59.007Z");
  EXPECT_EQ(rfc3339(1'709'164'800'000), "2024-02-29T00:00:00.000Z");
}

TEST(Timestamp, OfALambdaRequestIsThatOfAnAccessLog) {
  EXPECT_EQ(access_log_time(kMoment), "09/Feb/2024:14:11:43 +0000");
  EXPECT_EQ(access_log_time(1'704'067'199'999), "31/Dec/2023:23:59:59 +0000");
}

}  // namespace
}  // namespace sockhook::webhook
