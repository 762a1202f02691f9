#include "protocol/webhook/connection_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <unordered_set>

namespace sockhook::webhook {
namespace {

constexpr NodeKey kNode{{1, 2, 3, 4, 5, 6}};
constexpr NodeKey kOtherNode{{1, 2, 3, 4, 5, 7}};
constexpr IdScheme::Secret kSecret = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6};

ConnectionId::Random random_of(std::uint8_t seed) {
  ConnectionId::Random random;
  for (std::size_t i = 0; i < random.size(); ++i) {
    random[i] = static_cast<std::uint8_t>(seed + i * 17);
  }
  return random;
}

ConnectionIdError error_of(std::string_view text) {
  const auto id = ConnectionId::parse(text);
  EXPECT_FALSE(id) << text;
  return id ? ConnectionIdError::kForeign : id.error();
}

TEST(ConnectionId, IsAtMost64CharactersOfTheUrlAlphabet) {
  const std::string id = IdScheme(kNode, kSecret).make({3, 70'000}, random_of(1)).to_string();
  EXPECT_LE(id.size(), 64U);
  EXPECT_THAT(id, testing::MatchesRegex("[A-Za-z0-9_-]+"));
}

TEST(ConnectionId, CarriesTheNodeKeyAnd96RandomBits) {
  const ConnectionId id = IdScheme(kNode, kSecret).make({3, 70'000}, random_of(1));
  EXPECT_EQ(id.node_key(), kNode);
  EXPECT_EQ(id.random(), random_of(1));
  EXPECT_GE(id.random().size() * 8, 96U);
}

TEST(ConnectionId, LeadsTheNodeThatMadeItToWorkerAndSlot) {
  const IdScheme scheme(kNode, kSecret);
  for (const ConnectionPlace place :
       {ConnectionPlace{0, 0}, ConnectionPlace{7, 123'456}, ConnectionPlace{255, 0xFFFFFFFF}}) {
    const auto parsed = ConnectionId::parse(scheme.make(place, random_of(2)).view());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(scheme.locate(*parsed), place);
  }
}

TEST(ConnectionId, OfAnotherNodeOrAnEarlierLifeIsNotLocated) {
  const ConnectionId id = IdScheme(kOtherNode, kSecret).make({0, 0}, random_of(3));
  EXPECT_EQ(IdScheme(kNode, kSecret).locate(id), std::nullopt);
}

TEST(ConnectionId, ShowsNoCounts) {
  const IdScheme scheme(kNode, kSecret);
  constexpr std::size_t kNodeCharacters = 8;
  constexpr std::size_t kPlaceCharacters = 6;
  std::set<std::string> places;
  for (std::uint8_t i = 0; i < 50; ++i) {
    const ConnectionId id = scheme.make({0, 0}, random_of(i));
    places.insert(std::string(id.view().substr(kNodeCharacters, kPlaceCharacters)));
  }
  EXPECT_EQ(places.size(), 50U) << "the same slot must look different every time";
  EXPECT_NE(scheme.make({0, 1}, random_of(1)), scheme.make({0, 2}, random_of(1)));
  IdScheme::Secret other_secret = kSecret;
  ++other_secret[15];
  EXPECT_NE(scheme.make({0, 1}, random_of(1)),
            IdScheme(kNode, other_secret).make({0, 1}, random_of(1)))
      << "whoever knows the random part must not learn the slot";
}

TEST(ConnectionId, MalformedTextIsToldApartFromForeignIds) {
  for (const std::string& malformed :
       {std::string(), std::string(65, 'a'), std::string("a b"), std::string("abc="),
        std::string("a/b"), std::string("a+b"), std::string("\xC3\xA4"), std::string("a\0b", 3)}) {
    EXPECT_EQ(error_of(malformed), ConnectionIdError::kMalformed) << malformed;
  }
  for (const std::string& foreign :
       {std::string("a"), std::string(30, 'a'), std::string(32, 'a'), std::string(64, '-')}) {
    EXPECT_EQ(error_of(foreign), ConnectionIdError::kForeign) << foreign;
  }
}

TEST(ConnectionId, HasOneSpellingOnly) {
  std::string text = IdScheme(kNode, kSecret).make({1, 2}, random_of(4)).to_string();
  ASSERT_TRUE(ConnectionId::parse(text));
  ++text.back();  // changes only bits that carry nothing
  EXPECT_EQ(error_of(text), ConnectionIdError::kForeign);
}

TEST(ConnectionId, IsAValueThatCanBeComparedAndHashed) {
  const IdScheme scheme(kNode, kSecret);
  std::unordered_set<ConnectionId> ids = {scheme.make({0, 1}, random_of(1)),
                                          scheme.make({0, 2}, random_of(1))};
  EXPECT_EQ(ids.size(), 2U);
  EXPECT_TRUE(ids.contains(*ConnectionId::parse(scheme.make({0, 2}, random_of(1)).view())));
  EXPECT_FALSE(ids.contains(ConnectionId()));
  EXPECT_EQ(sizeof(ConnectionId), ConnectionId::kLength) << "no heap, no padding";
}

}  // namespace
}  // namespace sockhook::webhook
