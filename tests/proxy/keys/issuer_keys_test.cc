#include "proxy/keys/issuer_keys.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/proxy/keys/keys_fixture.h"

namespace sockhook::keys {
namespace {

IssuerKeys::Set set_of(std::initializer_list<const char*> ids) {
  return std::make_shared<const auth::KeySet>(*auth::KeySet::from_jwks(jwks(ids)));
}

TEST(IssuerKeysTest, ThoseOfTheConfigAreNeverFresher) {
  IssuerKeys keys(*auth::KeySet::from_jwks(jwks({"a"})));
  EXPECT_TRUE(has(keys, "a"));
  EXPECT_FALSE(keys.want_fresh(keys.current()));
}

TEST(IssuerKeysTest, AreAskedForOnceByHoweverMany) {
  IssuerKeys keys;
  int asked = 0;
  keys.attach([&](const IssuerKeys& wanted) {
    EXPECT_EQ(&wanted, &keys);
    ++asked;
    return true;
  });
  EXPECT_EQ(keys.current(), nullptr);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(keys.want_fresh(nullptr));
  EXPECT_EQ(asked, 1);
  keys.end(set_of({"a"}));
  EXPECT_TRUE(has(keys, "a"));
}

TEST(IssuerKeysTest, AreAskedForOnceByManyThreads) {
  IssuerKeys keys;
  std::atomic<int> asked = 0;
  std::atomic<int> promised = 0;
  keys.attach([&](const IssuerKeys&) {
    ++asked;
    return true;
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 250; ++n) promised += keys.want_fresh(nullptr) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(promised, 1000);
}

TEST(IssuerKeysTest, SomeTimePassesBeforeTheyAreAskedForAgain) {
  constexpr uint64_t kIntervalMs = 50;
  IssuerKeys keys(kIntervalMs);
  int asked = 0;
  keys.attach([&](const IssuerKeys&) {
    ++asked;
    return true;
  });
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(keys.want_fresh(nullptr));
  keys.end(nullptr);  // the issuer is away
  while (!keys.want_fresh(nullptr)) std::this_thread::yield();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(kIntervalMs - 1));
  EXPECT_EQ(asked, 2);
}

// The message that tells of it is still on its way to the one who asks.
TEST(IssuerKeysTest, ANewerSetThanTheOneSeenNeedsNoQuestion) {
  IssuerKeys keys;
  keys.attach([](const IssuerKeys&) -> bool {
    ADD_FAILURE() << "asked";
    return true;
  });
  const IssuerKeys::Set old = set_of({"a"});
  keys.end(old);
  keys.end(set_of({"b"}));
  EXPECT_TRUE(keys.want_fresh(old));
}

TEST(IssuerKeysTest, ARefreshThatNobodyAskedForIsWaitedForToo) {
  IssuerKeys keys;
  keys.attach([](const IssuerKeys&) -> bool {
    ADD_FAILURE() << "asked";
    return true;
  });
  keys.begin();
  EXPECT_TRUE(keys.want_fresh(nullptr));
}

TEST(IssuerKeysTest, WhoCannotAskNeedNotWait) {
  IssuerKeys keys;
  bool is_open = false;
  keys.attach([&](const IssuerKeys&) { return is_open; });
  EXPECT_FALSE(keys.want_fresh(nullptr));
  is_open = true;
  EXPECT_TRUE(keys.want_fresh(nullptr));
}

TEST(IssuerKeysTest, AFailureLeavesTheLastGoodSet) {
  IssuerKeys keys;
  keys.end(set_of({"a"}));
  keys.begin();
  keys.end(nullptr);
  EXPECT_TRUE(has(keys, "a"));
}

}  // namespace
}  // namespace sockhook::keys
