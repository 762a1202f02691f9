#include "protocol/webhook/base64.h"

#include <gtest/gtest.h>

namespace sockhook::webhook {
namespace {

// RFC 4648 section 10.
TEST(Base64, WritesAndReadsTheVectorsOfTheRfc) {
  constexpr std::pair<std::string_view, std::string_view> kVectors[] = {{"", ""},
                                                                        {"f", "Zg=="},
                                                                        {"fo", "Zm8="},
                                                                        {"foo", "Zm9v"},
                                                                        {"foob", "Zm9vYg=="},
                                                                        {"fooba", "Zm9vYmE="},
                                                                        {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
    EXPECT_EQ(base64url(bytes), text.substr(0, text.find('=')));
    EXPECT_EQ(decode_base64url(base64url(bytes)), bytes);
  }
  EXPECT_EQ(base64("\xFB\xFF"), "+/8=");
  EXPECT_EQ(base64url("\xFB\xFF"), "-_8");
}

TEST(Base64, MayComeWithoutPadding) { EXPECT_EQ(decode_base64("Zg"), "f"); }

TEST(Base64, RefusesWhatNoEncoderWrites) {
  for (const char* text : {"Z", "Zg=", "Zg===", "=", "====", "Z===", "Zm9v=", "Zh==", "Zm9=",
                           "Z g=", "Zg==Zg==", "-_8=", "Zm9v\n"}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
  EXPECT_EQ(decode_base64url("Zg=="), std::nullopt);
  EXPECT_EQ(decode_base64url("+/8"), std::nullopt);
}

}  // namespace
}  // namespace sockhook::webhook
