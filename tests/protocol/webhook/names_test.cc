#include "protocol/webhook/names.h"

#include <gtest/gtest.h>

#include <string>

namespace sockhook::webhook {
namespace {

TEST(Names, AreOneTo128BytesOfUtf8) {
  EXPECT_TRUE(is_valid_name("a"));
  EXPECT_TRUE(is_valid_name("room 1/2, \"x\""));
  EXPECT_TRUE(is_valid_name("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"));
  EXPECT_TRUE(is_valid_name("\xC2\xA0"));
  EXPECT_TRUE(is_valid_name(std::string(128, 'x')));
  EXPECT_FALSE(is_valid_name(""));
  EXPECT_FALSE(is_valid_name(std::string(129, 'x')));
  EXPECT_FALSE(is_valid_name("\xC3"));
  EXPECT_FALSE(is_valid_name("\xFF"));
}

TEST(Names, HaveNoControlCharacters) {
  for (const std::string& name : {std::string("a\0", 2), std::string("\n"), std::string("\x1F"),
                                  std::string("\x7F"), std::string("a\xC2\x85")}) {
    EXPECT_FALSE(is_valid_name(name));
  }
}

}  // namespace
}  // namespace sockhook::webhook
