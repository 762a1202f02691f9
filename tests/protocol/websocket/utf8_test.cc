#include "protocol/websocket/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace sockhook::websocket {
namespace {

bool is_valid_piecewise(std::string_view text, std::size_t piece) {
  Utf8Validator validator;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!validator.consume(text.substr(at, piece))) return false;
  }
  return validator.is_complete();
}

TEST(Utf8, PiecesOfAnySizeAreJudgedAsTheWhole) {
  const std::string valid[] = {"",
                               "plain ASCII, longer than one word",
                               "κόσμε",
                               "日本語",
                               "🙂🙂",
                               std::string("\0", 1),
                               "\xC2\x80",
                               "\xDF\xBF",
                               "\xE0\xA0\x80",
                               "\xED\x9F\xBF",
                               "\xEE\x80\x80",
                               "\xEF\xBF\xBF",
                               "\xF0\x90\x80\x80",
                               "\xF4\x8F\xBF\xBF",
                               "12345678é12345678"};
  const std::string invalid[] = {"\x80",
                                 "\xBF",
                                 "\xC0\x80",
                                 "\xC1\xBF",
                                 "\xC2",
                                 "\xC2 ",
                                 "\xE0\x80\x80",
                                 "\xE0\x9F\xBF",
                                 "\xED\xA0\x80",
                                 "\xED\xBF\xBF",
                                 "\xF0\x80\x80\x80",
                                 "\xF0\x8F\xBF\xBF",
                                 "\xF4\x90\x80\x80",
                                 "\xF5\x80\x80\x80",
                                 "\xFF",
                                 "\xE2\x82",
                                 "\xF0\x9F\x99",
                                 "ASCII in words\xFF and behind",
                                 "\xE2\x28\xA1"};
  for (const std::string& text : valid) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
    for (std::size_t piece = 1; piece <= 9; ++piece)
      EXPECT_TRUE(is_valid_piecewise(text, piece)) << text;
  }
  for (const std::string& text : invalid) {
    EXPECT_FALSE(is_valid_utf8(text)) << text;
    for (std::size_t piece = 1; piece <= 9; ++piece) {
      EXPECT_FALSE(is_valid_piecewise(text, piece)) << text;
    }
  }
}

// A text that fails early must be one that no continuation mends, and the other way round.
TEST(Utf8, FailsExactlyWhereNoContinuationCouldMend) {
  const std::string completions[] = {"",         "\x80",        "\x80\x80", "\x80\x80\x80",
                                     "\xA0\x80", "\x90\x80\x80"};
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      bool can_be_mended = false;
      for (const std::string& completion : completions) {
        can_be_mended = can_be_mended || is_valid_utf8(text + completion);
      }
      EXPECT_EQ(Utf8Validator().consume(text), can_be_mended) << first << ' ' << second;
    }
  }
}

TEST(Utf8, FailsAtTheFirstByteThatCannotBeMended) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.consume("κόσμε\xF4"));
  EXPECT_FALSE(validator.consume("\x90"));  // above U+10FFFF whatever follows
}

TEST(Utf8, IsCutOnACharactersBorder) {
  EXPECT_EQ(truncate_utf8("日本語", 9), "日本語");
  EXPECT_EQ(truncate_utf8("日本語", 8), "日本");
  EXPECT_EQ(truncate_utf8("日本語", 6), "日本");
  EXPECT_EQ(truncate_utf8("日本語", 2), "");
  EXPECT_EQ(truncate_utf8("abc", 0), "");
}

}  // namespace
}  // namespace sockhook::websocket
