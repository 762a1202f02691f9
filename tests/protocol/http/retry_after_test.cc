#include "protocol/http/retry_after.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/http/http_date.h"
#include "protocol/http/http_writer.h"

namespace sockhook::http {
namespace {

constexpr int64_t kThen = 784111777;  // of the examples in RFC 9110 section 5.6.7
constexpr int64_t kNow = 1795000000;  // 2026

TEST(HttpDate, IsReadInAllThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", kNow), kThen);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994", kNow), kThen + 10 * 86'400);
}

TEST(HttpDate, IsReadAsItIsWritten) {
  for (const int64_t at : {int64_t{0}, kThen, kNow, int64_t{951'826'000}, int64_t{4'102'444'800}}) {
    EXPECT_EQ(parse_http_date(http_date(at), kNow), at) << http_date(at);
  }
}

TEST(HttpDate, AYearOfTwoDigitsIsAtMostFiftyYearsAhead) {
  EXPECT_EQ(parse_http_date("Friday, 01-Jan-27 00:00:00 GMT", kNow), 1'798'761'600);
  EXPECT_EQ(parse_http_date("Wednesday, 01-Jan-76 00:00:00 GMT", kNow), 3'345'062'400);
  EXPECT_EQ(parse_http_date("Saturday, 01-Jan-77 00:00:00 GMT", kNow), 220'924'800);
}

TEST(HttpDate, RefusesWhatIsNone) {
  for (const char* text :
       {"", "tomorrow", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nop 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 0x Nov 1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94"}) {
    EXPECT_EQ(parse_http_date(text, kNow), std::nullopt) << text;
  }
}

TEST(HttpDate, TakesALeapSecond) {
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", kNow), 1'483'228'800);
}

TEST(RetryAfter, IsSecondsOrADate) {
  EXPECT_EQ(parse_retry_after("0", kNow * 1000), 0U);
  EXPECT_EQ(parse_retry_after("120", kNow * 1000), 120'000U);
  EXPECT_EQ(parse_retry_after(http_date(kNow + 7), kNow * 1000), 7'000U);
  EXPECT_EQ(parse_retry_after(http_date(kNow + 7), kNow * 1000 + 250), 6'750U);
}

TEST(RetryAfter, ATimeThatIsOverIsNow) {
  EXPECT_EQ(parse_retry_after(http_date(kNow - 7), kNow * 1000), 0U);
  EXPECT_EQ(parse_retry_after(http_date(kNow), kNow * 1000 + 1), 0U);
}

TEST(RetryAfter, IsCapped) {
  EXPECT_EQ(parse_retry_after("300", kNow * 1000), kMaxRetryAfterMs);
  EXPECT_EQ(parse_retry_after("301", kNow * 1000), kMaxRetryAfterMs);
  EXPECT_EQ(parse_retry_after(std::string(400, '9'), kNow * 1000), kMaxRetryAfterMs);
  EXPECT_EQ(parse_retry_after(http_date(kNow + 86'400), kNow * 1000), kMaxRetryAfterMs);
}

TEST(RetryAfter, WhatIsNoneIsIgnored) {
  for (const char* value : {"", "-1", "+1", "1.5", "1s", " 1", "0x10", "soon"}) {
    EXPECT_EQ(parse_retry_after(value, kNow * 1000), 0U) << value;
  }
}

TEST(RetryAfter, Only429And503Ask) {
  const Headers headers{{"retry-after", "3"}};
  EXPECT_EQ(retry_after_of(503, headers, kNow * 1000), 3'000U);
  EXPECT_EQ(retry_after_of(429, headers, kNow * 1000), 3'000U);
  EXPECT_EQ(retry_after_of(500, headers, kNow * 1000), 0U);
  EXPECT_EQ(retry_after_of(301, headers, kNow * 1000), 0U);
  EXPECT_EQ(retry_after_of(503, {}, kNow * 1000), 0U);
}

}  // namespace
}  // namespace sockhook::http
