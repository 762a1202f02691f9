#include <gtest/gtest.h>

#include "protocol/http/http_parser.h"
#include "tests/protocol/http/parser_recorder.h"

namespace sockhook::http {
namespace {

using testing::feed_in_pieces;
using testing::kPieces;
using testing::RecordedResponse;

class ResponsePieces : public ::testing::TestWithParam<std::size_t> {
 protected:
  ParseResult feed(std::string_view bytes, bool to_head_request = false) {
    recorded_.parser.next_message(to_head_request);
    return feed_in_pieces(recorded_.parser, bytes, GetParam());
  }
  RecordedResponse recorded_;
};

INSTANTIATE_TEST_SUITE_P(Pieces, ResponsePieces, ::testing::ValuesIn(kPieces));

TEST_P(ResponsePieces, AnAnswerOfKnownLengthIsParsedToItsLastByte) {
  const std::string bytes =
      "HTTP/1.1 404 Not There At All\r\nContent-Length: 3\r\nX-A: 1\r\n\r\nabc";
  const ParseResult result = feed(bytes + "HTTP/1.1");
  EXPECT_EQ(result.state, ParseState::kComplete);
  EXPECT_EQ(result.consumed, bytes.size());
  EXPECT_EQ(recorded_.head.status, 404);
  EXPECT_EQ(recorded_.head.reason, "Not There At All");
  EXPECT_EQ(recorded_.head.headers, (Headers{{"Content-Length", "3"}, {"X-A", "1"}}));
  EXPECT_TRUE(recorded_.head.keep_alive);
  EXPECT_EQ(recorded_.body, "abc");
}

TEST_P(ResponsePieces, AnEmptyReasonIsAccepted) {
  EXPECT_EQ(feed("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n").state, ParseState::kComplete);
  EXPECT_EQ(feed("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").state, ParseState::kComplete);
}

TEST_P(ResponsePieces, AChunkedAnswerAndItsTrailersAreDelivered) {
  EXPECT_EQ(feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n")
                .state,
            ParseState::kComplete);
  EXPECT_EQ(recorded_.body, "abc");
  EXPECT_EQ(recorded_.trailers, (Headers{{"X-T", "1"}}));
}

TEST_P(ResponsePieces, ABodyUntilCloseEndsWithTheConnection) {
  EXPECT_EQ(feed("HTTP/1.1 200 OK\r\n\r\nabc").state, ParseState::kNeedMore);
  EXPECT_EQ(recorded_.head.framing, BodyFraming::until_close());
  EXPECT_FALSE(recorded_.head.keep_alive);
  EXPECT_EQ(recorded_.completed, 0);
  EXPECT_TRUE(recorded_.parser.finish());
  EXPECT_EQ(recorded_.completed, 1);
  EXPECT_EQ(recorded_.body, "abc");
}

TEST_P(ResponsePieces, ACutAnswerIsNotComplete) {
  for (const char* const cut : {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
                                "HTTP/1.1 100 Continue\r\n\r\n"}) {
    EXPECT_EQ(feed(cut).state, ParseState::kNeedMore) << cut;
    EXPECT_FALSE(recorded_.parser.finish()) << cut;
    EXPECT_EQ(recorded_.completed, 0) << cut;
  }
}

TEST_P(ResponsePieces, AnswersToHeadAnd204And304HaveNoBody) {
  const std::string with_length = "Content-Length: 5\r\n\r\n";
  EXPECT_EQ(feed("HTTP/1.1 200 OK\r\n" + with_length, true).state, ParseState::kComplete);
  EXPECT_EQ(*recorded_.head.headers.find("content-length"), "5");
  EXPECT_EQ(feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true).state,
            ParseState::kComplete);
  EXPECT_EQ(feed("HTTP/1.1 200 OK\r\n\r\n", true).state, ParseState::kComplete);
  EXPECT_EQ(feed("HTTP/1.1 204 No Content\r\n\r\n").state, ParseState::kComplete);
  EXPECT_EQ(feed("HTTP/1.1 304 Not Modified\r\n" + with_length).state, ParseState::kComplete);
  EXPECT_TRUE(recorded_.head.keep_alive);
  EXPECT_EQ(recorded_.body, "");
}

TEST_P(ResponsePieces, InformationalAnswersAreReportedAndSkipped) {
  EXPECT_EQ(feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
                .state,
            ParseState::kComplete);
  EXPECT_EQ(recorded_.informational, (std::vector<int>{100, 103}));
  EXPECT_EQ(recorded_.head.status, 200);
  EXPECT_EQ(recorded_.head.headers, (Headers{{"Content-Length", "1"}}));
}

TEST_P(ResponsePieces, EndlessInformationalAnswersAreRefused) {
  std::string bytes;
  for (int i = 0; i < 17; ++i) bytes += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(feed(bytes).state, ParseState::kError);
}

TEST_P(ResponsePieces, A101IsReportedAsSuch) {
  const std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
  const ParseResult result = feed(head + "new protocol");
  EXPECT_EQ(result.state, ParseState::kUpgrade);
  EXPECT_EQ(result.consumed, head.size());
  EXPECT_EQ(recorded_.head.status, 101);
}

TEST_P(ResponsePieces, KeepAliveIsDecidedByVersionAndConnection) {
  feed("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_FALSE(recorded_.head.keep_alive);
  feed("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n");
  EXPECT_TRUE(recorded_.head.keep_alive);
  feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n");
  EXPECT_FALSE(recorded_.head.keep_alive);
}

TEST_P(ResponsePieces, MalformedAnswersAreRefused) {
  for (const char* const bytes : {
           "HTTP/2.0 200 OK\r\n\r\n",
           "HTTP/0.9 200 OK\r\n\r\n",
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 099 OK\r\n\r\n",
           "HTTP/1.1 600 OK\r\n\r\n",
           "HTTP/1.1 abc OK\r\n\r\n",
           "HTTP/1.1  200 OK\r\n\r\n",
           "RTSP/1.0 200 OK\r\n\r\n",
           "\r\nHTTP/1.1 200 OK\r\n\r\n",
           "garbage\r\n\r\n",
           "<html></html>",
           "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 200\nContent-Length: 0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
           "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
           "HTTP/1.1 200 O\x01K\r\n\r\n",
           "HTTP/1.1 200 OK\r\n X: a\r\n\r\n",
           "HTTP/1.1 200 OK\r\n: a\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n",
       }) {
    const int completed_before = recorded_.completed;
    EXPECT_EQ(feed(bytes).state, ParseState::kError) << bytes;
    EXPECT_EQ(recorded_.completed, completed_before) << bytes;
  }
}

TEST(ResponseParser, HeadsAreLimited) {
  RecordedResponse recorded(ParserLimits{.head_bytes = 1000});
  recorded.parser.next_message(false);
  EXPECT_EQ(recorded.parser.feed("HTTP/1.1 200 OK\r\nX: " + std::string(1000, 'a')).state,
            ParseState::kError);
}

TEST(ResponseParser, ReusedParsersForgetTheMessageBefore) {
  RecordedResponse recorded;
  recorded.parser.next_message(true);
  recorded.parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: 1\r\n\r\n");
  recorded.parser.next_message(false);
  EXPECT_FALSE(recorded.parser.has_begun());
  EXPECT_EQ(recorded.parser.feed("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nab").state,
            ParseState::kComplete);
  EXPECT_EQ(recorded.head.reason, "No");
  EXPECT_EQ(recorded.head.headers.size(), 1u);
  EXPECT_EQ(recorded.body, "ab");
}

}  // namespace
}  // namespace sockhook::http
