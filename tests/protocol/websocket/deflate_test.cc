// Deflater and Inflater against each other, against the RFC's examples, and against bombs.

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "protocol/websocket/deflater.h"
#include "protocol/websocket/inflater.h"

namespace sockhook::websocket {
namespace {

using namespace std::string_literals;
using Result = Inflater::Result;

constexpr std::size_t kLimit = std::size_t{1024} * 1024;

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

TEST(Deflate, EveryWindowGivesBackWhatItWasGiven) {
  for (int bits = 9; bits <= 15; ++bits) {
    for (const bool takeover : {false, true}) {
      Deflater deflater(bits, 3, takeover);
      Inflater inflater(bits, takeover);
      for (const std::string& message :
           {"Hello"s, "Hello"s, std::string(100'000, 'x'), noise(50'000), "\0"s, "Hello"s}) {
        std::string out;
        ASSERT_EQ(inflater.inflate(deflater.deflate(message), kLimit, &out), Result::kDone);
        EXPECT_EQ(out, message) << bits << takeover;
      }
    }
  }
}

// RFC 7692 section 7.2.3.1 and 7.2.3.2.
TEST(Deflate, MakesTheBytesOfTheRfc) {
  Deflater forgetful(15, 6, false);
  EXPECT_EQ(forgetful.deflate("Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  EXPECT_EQ(forgetful.deflate("Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  Deflater with_window(15, 6, true);
  EXPECT_EQ(with_window.deflate("Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  EXPECT_EQ(with_window.deflate("Hello"), "\xf2\x00\x11\x00\x00"s);
}

// Section 7.2.3.3 to 7.2.3.6: stored blocks, final blocks, several blocks.
TEST(Inflate, ReadsTheBytesOfTheRfc) {
  for (const bool takeover : {false, true}) {
    Inflater inflater(15, takeover);
    std::string out;
    for (const std::string& bytes :
         {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s,
          "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s}) {
      ASSERT_EQ(inflater.inflate(bytes, kLimit, &out), Result::kDone);
      EXPECT_EQ(out, "Hello");
    }
  }
}

TEST(Inflate, KeepsItsWindowBeyondAFinalBlock) {
  Inflater inflater(15, true);
  std::string out;
  ASSERT_EQ(inflater.inflate("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s, kLimit, &out), Result::kDone);
  ASSERT_EQ(inflater.inflate("\xf2\x00\x11\x00\x00"s, kLimit, &out), Result::kDone);
  EXPECT_EQ(out, "Hello");
}

TEST(Inflate, EmptyMessagesAreEmpty) {
  Inflater inflater(15, false);
  std::string out = "old";
  EXPECT_EQ(inflater.inflate("\x00"s, kLimit, &out), Result::kDone);
  EXPECT_EQ(out, "");
  EXPECT_EQ(inflater.inflate("", kLimit, &out), Result::kDone);
  EXPECT_EQ(out, "");
}

TEST(Inflate, StopsAtTheLimit) {
  Deflater deflater(15, 9, false);
  Inflater inflater(15, false);
  std::string out;
  for (const std::size_t limit : {std::size_t{1}, std::size_t{4095}, std::size_t{4096}, kLimit}) {
    const std::string fits(limit, 'x');
    EXPECT_EQ(inflater.inflate(deflater.deflate(fits), limit, &out), Result::kDone) << limit;
    EXPECT_EQ(out, fits);
    const std::string over(limit + 1, 'x');
    EXPECT_EQ(inflater.inflate(deflater.deflate(over), limit, &out), Result::kTooLarge) << limit;
  }
}

TEST(Inflate, ABombCostsNoMoreThanTheLimit) {
  Deflater deflater(15, 9, false);
  const std::string bomb = deflater.deflate(std::string(std::size_t{256} * 1024 * 1024, '\0'));
  ASSERT_LT(bomb.size(), 300'000U);
  Inflater inflater(15, false);
  std::string out;
  EXPECT_EQ(inflater.inflate(bomb, kLimit, &out), Result::kTooLarge);
  EXPECT_LE(out.capacity(), 3 * kLimit);
}

TEST(Inflate, BrokenBytesAreBroken) {
  Inflater inflater(15, false);
  std::string out;
  EXPECT_EQ(inflater.inflate("\xff\xff\xff\xff", kLimit, &out), Result::kBroken);
  // Without takeover the next message is none the worse.
  EXPECT_EQ(inflater.inflate("\xf2\x48\xcd\xc9\xc9\x07\x00"s, kLimit, &out), Result::kDone);
  EXPECT_EQ(out, "Hello");
}

TEST(Inflate, ReferencesBeforeTheWindowAreBroken) {
  Inflater inflater(15, false);
  std::string out;
  EXPECT_EQ(inflater.inflate("\xf2\x00\x11\x00\x00"s, kLimit, &out), Result::kBroken);
}

TEST(Inflate, FinalBlocksAreBounded) {
  std::string blocks;
  for (unsigned i = 0; i <= Inflater::kMaxFinalBlocks; ++i) blocks += "\x03\x00"s;
  Inflater inflater(15, true);
  std::string out;
  EXPECT_EQ(inflater.inflate(blocks, kLimit, &out), Result::kBroken);
}

TEST(Inflate, NoiseIsNeverACrash) {
  std::mt19937 random(11);
  for (const bool takeover : {false, true}) {
    for (int round = 0; round < 2000; ++round) {
      Inflater inflater(15, takeover);
      std::string bytes(random() % 64, '\0');
      for (char& byte : bytes) byte = static_cast<char>(random());
      std::string out;
      const Result result = inflater.inflate(bytes, 1000, &out);
      EXPECT_TRUE(result != Result::kDone || out.size() <= 1000);
    }
  }
}

}  // namespace
}  // namespace sockhook::websocket
