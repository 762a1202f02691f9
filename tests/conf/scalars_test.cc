#include "conf/reader/scalars.h"

#include <gtest/gtest.h>

namespace sockhook::conf {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Scalars, DurationsAreWholeNumbersWithAUnit) {
  EXPECT_EQ(*parse_duration("250ms"), Duration{250});
  EXPECT_EQ(*parse_duration("29s"), seconds{29});
  EXPECT_EQ(*parse_duration("10m"), minutes{10});
  EXPECT_EQ(*parse_duration("2h"), hours{2});
  EXPECT_EQ(*parse_duration("0s"), Duration{0});
}

TEST(Scalars, DurationsInOtherFormsAreRefusedWithTheReason) {
  EXPECT_EQ(parse_duration("29").error(), "has no unit");
  EXPECT_EQ(parse_duration("1.5s").error(), "has a fraction");
  EXPECT_EQ(parse_duration("29 s").error(), "has the unknown unit \" s\"");
  EXPECT_EQ(parse_duration("29S").error(), "has the unknown unit \"S\"");
  EXPECT_EQ(parse_duration("1d").error(), "has the unknown unit \"d\"");
  EXPECT_EQ(parse_duration("1h30m").error(), "has the unknown unit \"h30m\"");
  EXPECT_EQ(parse_duration("-1s").error(), "is negative");
  EXPECT_EQ(parse_duration("+1s").error(), "is no duration");
  EXPECT_EQ(parse_duration("s").error(), "is no duration");
  EXPECT_EQ(parse_duration("").error(), "is no duration");
  EXPECT_EQ(parse_duration("010s").error(), "has a leading zero");
  EXPECT_EQ(parse_duration("99999999999999999999h").error(), "is too large");
  EXPECT_EQ(parse_duration("9007199254740992h").error(), "is too large");
}

TEST(Scalars, SizesAreWholeNumbersWithABinaryUnit) {
  EXPECT_EQ(*parse_size("512B"), 512U);
  EXPECT_EQ(*parse_size("32KiB"), 32U * 1024);
  EXPECT_EQ(*parse_size("1MiB"), 1024U * 1024);
  EXPECT_EQ(*parse_size("2GiB"), 2048U * 1024 * 1024);
}

TEST(Scalars, SizesInOtherFormsAreRefusedWithTheReason) {
  EXPECT_EQ(parse_size("1024").error(), "has no unit");
  EXPECT_EQ(parse_size("32KB").error(), "has the unknown unit \"KB\"");
  EXPECT_EQ(parse_size("32k").error(), "has the unknown unit \"k\"");
  EXPECT_EQ(parse_size("0.5MiB").error(), "has a fraction");
  EXPECT_EQ(parse_size("-1B").error(), "is negative");
  EXPECT_EQ(parse_size("big").error(), "is no size");
}

TEST(Scalars, IntegersAreNeverOctalHexOrExponents) {
  EXPECT_EQ(*parse_integer("0"), 0U);
  EXPECT_EQ(*parse_integer("65535"), 65'535U);
  EXPECT_EQ(parse_integer("017").error(), "has a leading zero");
  EXPECT_EQ(parse_integer("0x11").error(), "is no whole number");
  EXPECT_EQ(parse_integer("0o17").error(), "is no whole number");
  EXPECT_EQ(parse_integer("1e3").error(), "is no whole number");
  EXPECT_EQ(parse_integer("1_000").error(), "is no whole number");
  EXPECT_EQ(parse_integer("1.0").error(), "is no whole number");
  EXPECT_EQ(parse_integer("+1").error(), "is no whole number");
  EXPECT_EQ(parse_integer(" 1").error(), "is no whole number");
  EXPECT_EQ(parse_integer("").error(), "is no whole number");
  EXPECT_EQ(parse_integer("-1").error(), "is negative");
  EXPECT_EQ(parse_integer("18446744073709551616").error(), "is too large");
}

TEST(Scalars, DecimalsHaveDigitsOnBothSidesOfThePoint) {
  EXPECT_DOUBLE_EQ(*parse_decimal("0.5"), 0.5);
  EXPECT_DOUBLE_EQ(*parse_decimal("10"), 10);
  EXPECT_EQ(parse_decimal(".5").error(), "is no number");
  EXPECT_EQ(parse_decimal("5.").error(), "is no number");
  EXPECT_EQ(parse_decimal("1e3").error(), "is no number");
  EXPECT_EQ(parse_decimal("inf").error(), "is no number");
  EXPECT_EQ(parse_decimal("1.2.3").error(), "is no number");
  EXPECT_EQ(parse_decimal("01.5").error(), "has a leading zero");
  EXPECT_EQ(parse_decimal("-1").error(), "is no positive number");
}

TEST(Scalars, SwitchesAreOnlyTrueAndFalse) {
  EXPECT_TRUE(*parse_bool("true"));
  EXPECT_FALSE(*parse_bool("false"));
  for (const char* text : {"yes", "no", "on", "off", "True", "1", "0", ""}) {
    EXPECT_EQ(parse_bool(text).error(), "is neither true nor false") << text;
  }
}

TEST(Scalars, PercentagesAreFromOneToAHundred) {
  EXPECT_EQ(parse_percent("90%")->value, 90U);
  EXPECT_EQ(parse_percent("0%").error(), "is out of range");
  EXPECT_EQ(parse_percent("101%").error(), "is out of range");
  EXPECT_EQ(parse_percent("90").error(), "is no percentage");
  EXPECT_EQ(parse_percent("%").error(), "is no whole number");
}

TEST(Scalars, AreShownInTheLargestUnitThatFits) {
  EXPECT_EQ(format_duration(hours{24}), "24h");
  EXPECT_EQ(format_duration(seconds{90}), "90s");
  EXPECT_EQ(format_duration(Duration{1500}), "1500ms");
  EXPECT_EQ(format_duration(Duration{0}), "0ms");
  EXPECT_EQ(format_size(1_MiB), "1MiB");
  EXPECT_EQ(format_size(1500), "1500B");
}

}  // namespace
}  // namespace sockhook::conf
