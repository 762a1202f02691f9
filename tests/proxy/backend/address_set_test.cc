#include "proxy/backend/address_set.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sockhook::backend {
namespace {

net::SocketAddress at(int last) {
  return net::SocketAddress::ip("192.0.2." + std::to_string(last), 80);
}

void fail(AddressSet& set, BackendAddress& address, unsigned times, uint64_t now_ms) {
  for (unsigned i = 0; i < times; ++i) set.on_failed(address, now_ms);
}

class AddressSetTest : public testing::Test {
 protected:
  AddressSetTest() { set.update(0, {at(1), at(2)}); }

  AddressSet set{false};
  BackendAddress& first() { return *set.all()[0]; }
  BackendAddress& second() { return *set.all()[1]; }
  static constexpr unsigned kOut = AddressSet::kFailuresOut;
};

TEST_F(AddressSetTest, ChoosesTheAddressWithTheFewestRequestsInFlight) {
  first().in_flight = 2;
  second().in_flight = 1;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(set.choose(0).get(), &second());
}

TEST_F(AddressSetTest, EqualsTakeTurns) {
  const AddressPtr one = set.choose(0);
  const AddressPtr two = set.choose(0);
  EXPECT_NE(one, two);
  EXPECT_EQ(set.choose(0), one);
}

TEST_F(AddressSetTest, NeverChoosesWhatHasBeenTriedAlready) {
  const AddressPtr one = set.choose(0);
  const AddressPtr two = set.choose(0, {one});
  EXPECT_NE(one, two);
  EXPECT_EQ(set.choose(0, {one, two}), nullptr);
}

TEST_F(AddressSetTest, AnAddressGoesOutAfterThreeFailuresInARow) {
  fail(set, first(), kOut - 1, 0);
  EXPECT_FALSE(first().is_out);
  set.on_good(first());
  fail(set, first(), kOut - 1, 0);
  EXPECT_FALSE(first().is_out) << "a good one in between starts the count anew";
  fail(set, first(), 1, 0);
  EXPECT_TRUE(first().is_out);
  second().in_flight = 100;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(set.choose(1).get(), &second());
}

TEST_F(AddressSetTest, AnAddressIsBackAfterOneGoodConnect) {
  fail(set, first(), kOut, 0);
  set.on_good(first());
  second().in_flight = 1;
  EXPECT_EQ(set.choose(1).get(), &first());
}

TEST_F(AddressSetTest, OneThatIsOutIsTriedAfterFiveSecondsThenTenDoublingToSixty) {
  fail(set, first(), kOut, 0);
  uint64_t now_ms = 0;
  for (const uint64_t pause_ms : {5'000, 10'000, 20'000, 40'000, 60'000, 60'000}) {
    EXPECT_EQ(set.choose(now_ms + pause_ms - 1).get(), &second()) << pause_ms;
    now_ms += pause_ms;
    EXPECT_EQ(set.choose(now_ms).get(), &first()) << pause_ms;
    set.on_failed(first(), now_ms);
  }
}

TEST_F(AddressSetTest, OnlyOneRequestFindsOutWhetherAnAddressIsBack) {
  fail(set, first(), kOut, 0);
  EXPECT_EQ(set.choose(5'000).get(), &first());
  EXPECT_EQ(set.choose(5'000).get(), &second());
}

TEST_F(AddressSetTest, LastResortTriesDoNotPutTheNextOneOff) {
  fail(set, first(), kOut, 0);
  fail(set, second(), kOut, 0);
  fail(set, first(), 50, 1'000);
  EXPECT_EQ(first().retry_at_ms, 5'000u);
}

TEST_F(AddressSetTest, WhenNoneIsLeftAllAreTried) {
  fail(set, first(), kOut, 0);
  fail(set, second(), kOut, 0);
  const AddressPtr one = set.choose(1);
  ASSERT_NE(one, nullptr);
  EXPECT_NE(set.choose(1, {one}), nullptr);
}

TEST_F(AddressSetTest, OneThatIsOutIsTriedWhenAllOthersHaveBeen) {
  fail(set, first(), kOut, 0);
  const AddressPtr one = set.choose(1);
  ASSERT_EQ(one.get(), &second());
  EXPECT_EQ(set.choose(1, {one}).get(), &first());
}

TEST_F(AddressSetTest, WithHealthChecksOnlyAGoodOneBringsAnAddressBack) {
  AddressSet checked(true);
  checked.update(0, {at(1), at(2)});
  fail(checked, *checked.all()[0], kOut, 0);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(checked.choose(3'600'000), checked.all()[1]);
  checked.on_good(*checked.all()[0]);
  checked.all()[1]->in_flight = 1;
  EXPECT_EQ(checked.choose(3'600'001), checked.all()[0]);
}

TEST_F(AddressSetTest, AnUpdateKeepsWhatIsKnownOfThoseThatStay) {
  fail(set, second(), kOut, 0);
  const AddressPtr stays = set.all()[1];
  set.update(0, {at(3), at(2)});
  ASSERT_EQ(set.all().size(), 2u);
  EXPECT_EQ(set.all()[0], stays);
  EXPECT_TRUE(stays->is_out);
}

TEST_F(AddressSetTest, AnUpdateForgetsThoseThatAreNoLongerNamed) {
  const AddressPtr gone = set.all()[0];
  const AddressPtr stays = set.all()[1];
  set.update(0, {at(2)});
  EXPECT_FALSE(gone->is_listed);
  EXPECT_TRUE(stays->is_listed);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(set.choose(0), stays);
  EXPECT_EQ(gone.use_count(), 1) << "nothing but this test keeps it";
}

TEST_F(AddressSetTest, UrlsAreUpdatedEachForItself) {
  set.update(1, {at(1)});  // the same address behind another URL
  ASSERT_EQ(set.all().size(), 3u);
  set.update(0, {});
  ASSERT_EQ(set.all().size(), 1u);
  EXPECT_EQ(set.choose(0)->url, 1u);
}

TEST(AddressSet, HasNothingToChooseBeforeItsFirstUpdate) {
  AddressSet set(false);
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.choose(0), nullptr);
}

}  // namespace
}  // namespace sockhook::backend
