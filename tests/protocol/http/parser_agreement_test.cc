// Whatever the bytes: a parser sees the same message whole and byte by byte. Where the two would
// differ, an attacker could choose what we see by choosing his packets.

#include <gtest/gtest.h>

#include <random>

#include "tests/protocol/http/parser_recorder.h"

namespace sockhook::http {
namespace {

using testing::feed_in_pieces;

const std::string kSeeds[] = {
    "GET /chat?a=b HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: "
    "Upgrade\r\n\r\n",
    "POST http://b/x HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nhello world!",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;x=y\r\nhello\r\n0\r\nX-T: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
};

const std::string kAnswerSeeds[] = {
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n0\r\nT: 1\r\n\r\n",
    "HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\nuntil close",
};

std::string mutate(std::string bytes, std::mt19937& random) {
  const std::string_view kInteresting("\r\n\0\t :;,0aF5-\x80\x7f", 16);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  for (std::size_t count = 1 + below(3); count > 0; --count) {
    const std::size_t at = below(bytes.size());
    const char byte = kInteresting[below(kInteresting.size())];
    switch (below(4)) {
      case 0:
        bytes[at] = byte;
        break;
      case 1:
        bytes.insert(at, 1, byte);
        break;
      case 2:
        bytes.erase(at, 1);
        break;
      default:
        bytes.insert(at, bytes.substr(below(bytes.size()), below(20)));
        break;
    }
  }
  return bytes;
}

// Says everything that must be the same; after an error only that there was one.
template <typename Recorded>
std::string outcome(std::string_view bytes, std::size_t piece) {
  Recorded recorded;
  const ParseResult result = feed_in_pieces(recorded.parser, bytes, piece);
  if (result.state == ParseState::kError) return "error";
  std::string text = std::to_string(static_cast<int>(result.state)) + " used " +
                     std::to_string(result.consumed) + " body " + recorded.body;
  for (const Header& field : recorded.head.headers) text += "|" + field.name + "=" + field.value;
  for (const Header& field : recorded.trailers) text += "|" + field.name + "=" + field.value;
  return text;
}

template <typename Recorded, std::size_t N>
void expect_agreement(const std::string (&seeds)[N]) {
  std::mt19937 random(20240611);
  int accepted = 0;
  for (int round = 0; round < 6000; ++round) {
    const std::string bytes = mutate(seeds[static_cast<std::size_t>(round) % N], random);
    const std::string whole = outcome<Recorded>(bytes, bytes.size());
    ASSERT_EQ(whole, outcome<Recorded>(bytes, 1)) << bytes;
    ASSERT_EQ(whole, outcome<Recorded>(bytes, 3)) << bytes;
    if (whole != "error") ++accepted;
  }
  EXPECT_GT(accepted, 100) << "the mutations are too wild to test anything";
}

TEST(ParserAgreement, RequestsAreTheSameWholeAndInPieces) {
  expect_agreement<testing::RecordedRequest>(kSeeds);
}

TEST(ParserAgreement, ResponsesAreTheSameWholeAndInPieces) {
  expect_agreement<testing::RecordedResponse>(kAnswerSeeds);
}

}  // namespace
}  // namespace sockhook::http
