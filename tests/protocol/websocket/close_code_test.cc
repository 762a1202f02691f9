#include "protocol/websocket/close_code.h"

#include <gtest/gtest.h>

#include <string>

namespace sockhook::websocket {
namespace {

TEST(CloseCode, OnlyCodesThatMayBeOnTheWireAreValid) {
  for (int code = 0; code <= 0xFFFF; ++code) {
    const bool expected = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                          (code >= 3000 && code <= 4999);
    EXPECT_EQ(is_valid_close_code(static_cast<uint16_t>(code)), expected) << code;
  }
}

TEST(CloseCode, AReasonOf123BytesIsKept) {
  EXPECT_EQ(truncate_close_reason(std::string(123, 'r')), std::string(123, 'r'));
}

TEST(CloseCode, ALongerReasonIsCutBeforeTheCharacterThatDoesNotFit) {
  EXPECT_EQ(truncate_close_reason(std::string(124, 'r')), std::string(123, 'r'));
  EXPECT_EQ(truncate_close_reason(std::string(122, 'r') + "\u00e9"), std::string(122, 'r'));
  EXPECT_EQ(truncate_close_reason(std::string(121, 'r') + "\u00e9x"),
            std::string(121, 'r') + "\u00e9");
}

}  // namespace
}  // namespace sockhook::websocket
