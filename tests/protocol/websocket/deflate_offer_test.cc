#include "protocol/websocket/deflate_offer.h"

#include <gtest/gtest.h>

#include <string>

namespace sockhook::websocket {
namespace {

std::string answer_to(const std::string& offer, DeflateWishes wishes = {}) {
  const auto terms = accept_deflate_offer({{"Sec-WebSocket-Extensions", offer}}, wishes);
  return terms ? terms->to_header() : "none";
}

constexpr DeflateWishes kTakeover{.takeover = true, .takeover_bits = 12};
const std::string kNoTakeover =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

TEST(DeflateOffer, WithoutTakeoverNeitherSideKeepsItsWindow) {
  EXPECT_EQ(answer_to("permessage-deflate"), kNoTakeover);
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits"), kNoTakeover);
  EXPECT_EQ(answer_to("permessage-deflate;server_no_context_takeover ; client_no_context_takeover"),
            kNoTakeover);
}

TEST(DeflateOffer, TakeoverIsEachSidesToDecline) {
  EXPECT_EQ(answer_to("permessage-deflate", kTakeover),
            "permessage-deflate; server_max_window_bits=12");
  EXPECT_EQ(answer_to("permessage-deflate; server_no_context_takeover", kTakeover),
            "permessage-deflate; server_no_context_takeover");
  EXPECT_EQ(answer_to("permessage-deflate; client_no_context_takeover", kTakeover),
            "permessage-deflate; client_no_context_takeover; server_max_window_bits=12");
}

TEST(DeflateOffer, WindowsAreAsSmallAsAskedFor) {
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=10"),
            kNoTakeover + "; server_max_window_bits=10");
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=\"9\""),
            kNoTakeover + "; server_max_window_bits=9");
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=15", kTakeover),
            "permessage-deflate; server_max_window_bits=12");
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=11"),
            kNoTakeover + "; client_max_window_bits=11");
  // What a client keeps to by itself needs no answer, and 8 bits cannot be asked for.
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=8"), kNoTakeover);
}

TEST(DeflateOffer, TheFirstThatCanBeMetIsTaken) {
  EXPECT_EQ(answer_to("x-other, permessage-deflate; server_max_window_bits=8, permessage-deflate; "
                      "server_max_window_bits=14, permessage-deflate"),
            kNoTakeover + "; server_max_window_bits=14");
  const http::Headers two_lines = {{"Sec-WebSocket-Extensions", "x-other"},
                                   {"Sec-WebSocket-Extensions", "permessage-deflate"}};
  EXPECT_TRUE(accept_deflate_offer(two_lines, {}));
}

TEST(DeflateOffer, WhatCannotBeMetIsDeclined) {
  for (const char* offer :
       {"", "x-webkit-deflate-frame", "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=", "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=7", "Permessage-Deflate",
        "permessage-deflate; x=\"a;b,permessage-deflate"}) {
    EXPECT_EQ(answer_to(offer), "none") << offer;
  }
  EXPECT_FALSE(accept_deflate_offer({}, {}));
}

}  // namespace
}  // namespace sockhook::websocket
