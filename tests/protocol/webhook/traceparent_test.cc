#include "protocol/webhook/traceparent.h"

#include <gtest/gtest.h>

#include <string>

namespace sockhook::webhook {
namespace {

constexpr std::string_view kValid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr std::array<std::uint8_t, 16> kFresh = {0xAB, 1, 2,  3,  4,  5,  6,  7,
                                                 8,    9, 10, 11, 12, 13, 14, 15};
constexpr std::string_view kFreshText = "ab0102030405060708090a0b0c0d0e0f";
constexpr SpanId kSpan = {1, 2, 3, 4, 5, 6, 7, 0xF8};

TEST(Traceparent, OfAWebhookIsANewSpanInTheHandshakesTrace) {
  const auto context = trace_of_handshake({{"Traceparent", std::string(kValid)}}, kFresh);
  EXPECT_EQ(traceparent(context.trace, kSpan),
            "00-0af7651916cd43dd8448eb211c80319c-01020304050607f8-01");
  EXPECT_EQ(context.trace.id_text(), "0af7651916cd43dd8448eb211c80319c");
}

TEST(Traceparent, KeepsTheSampledFlagOnly) {
  std::string text(kValid);
  for (const auto& [flags, sampled] : {std::pair("00", false), {"fe", false}, {"ff", true}}) {
    text.replace(53, 2, flags);
    EXPECT_EQ(parse_traceparent(text)->is_sampled, sampled) << flags;
  }
}

TEST(Traceparent, OfALaterVersionMayHaveMoreFields) {
  std::string text(kValid);
  text.replace(0, 2, "cc");
  EXPECT_TRUE(parse_traceparent(text));
  EXPECT_TRUE(parse_traceparent(text + "-what-follows"));
  EXPECT_FALSE(parse_traceparent(text + "more"));
  EXPECT_FALSE(parse_traceparent(std::string(kValid) + "-more"));
}

TEST(Traceparent, ThatIsInvalidIsReplacedByANewTrace) {
  for (const char* invalid : {
           "",
           "00",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
           "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
       }) {
    const auto context =
        trace_of_handshake({{"traceparent", invalid}, {"tracestate", "a=1"}}, kFresh);
    EXPECT_EQ(context.trace.id_text(), kFreshText) << invalid;
    EXPECT_EQ(context.tracestate, "") << "tracestate goes only with a valid traceparent";
  }
}

TEST(Traceparent, ThatComesTwiceIsReplacedByANewTrace) {
  const std::string valid(kValid);
  const auto context = trace_of_handshake({{"traceparent", valid}, {"traceparent", valid}}, kFresh);
  EXPECT_EQ(context.trace.id_text(), kFreshText);
}

TEST(Traceparent, IsNewlyMadeWithoutAClientsTrace) {
  const auto context = trace_of_handshake({}, kFresh);
  EXPECT_EQ(traceparent(context.trace, kSpan),
            "00-" + std::string(kFreshText) + "-01020304050607f8-00");
}

TEST(Traceparent, NeverHasTheForbiddenZeros) {
  EXPECT_EQ(traceparent(trace_of_handshake({}, {}).trace, {}),
            "00-00000000000000000000000000000001-0000000000000001-00");
}

std::string tracestate_of(std::initializer_list<std::string> lines) {
  http::Headers headers = {{"traceparent", std::string(kValid)}};
  for (const std::string& line : lines) headers.add("tracestate", line);
  return trace_of_handshake(headers, kFresh).tracestate;
}

TEST(Tracestate, GoesAlongWithAValidTraceparentAllLinesAsOne) {
  EXPECT_EQ(tracestate_of({"rojo=00f067aa0ba902b7", " congo=t61 , a@b=c d,"}),
            "rojo=00f067aa0ba902b7,congo=t61,a@b=c d");
  EXPECT_EQ(tracestate_of({}), "");
}

TEST(Tracestate, ThatIsMalformedIsDropped) {
  for (const char* malformed : {"a", "=1", "A=1", "a=", "a=1=2", "a b=1", "ok=1,bad", "a=\x01"}) {
    EXPECT_EQ(tracestate_of({malformed}), "") << malformed;
  }
}

TEST(Tracestate, HasLimits) {
  std::string many;
  for (int i = 0; i < 33; ++i) many += (i > 0 ? ",k" : "k") + std::to_string(i) + "=v";
  EXPECT_EQ(tracestate_of({many}), "");
  const std::string large = "big=" + std::string(256, 'v');
  const std::string other = "large=" + std::string(256, 'v');
  EXPECT_EQ(tracestate_of({large, other, "small=1"}), large + ",small=1");
}

}  // namespace
}  // namespace sockhook::webhook
