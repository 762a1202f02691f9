#include <gtest/gtest.h>
#include <llhttp.h>

#include "protocol/http/http_parser.h"
#include "tests/protocol/http/parser_recorder.h"

namespace sockhook::http {
namespace {

using testing::feed_in_pieces;
using testing::kPieces;
using testing::RecordedRequest;

std::string with_headers(std::string_view headers, std::string_view body = {}) {
  std::string request = "POST /path HTTP/1.1\r\nHost: a.example\r\n";
  request += headers;
  request += "\r\n";
  request += body;
  return request;
}

class RequestPieces : public ::testing::TestWithParam<std::size_t> {
 protected:
  ParseResult feed(std::string_view bytes) {
    return feed_in_pieces(recorded_.parser, bytes, GetParam());
  }
  RecordedRequest recorded_;
};

INSTANTIATE_TEST_SUITE_P(Pieces, RequestPieces, ::testing::ValuesIn(kPieces));

TEST(Llhttp, IsCompiledWithTheStrictGrammar) {
  // The loose grammar takes the bare CR for a line end, and with it a hidden Transfer-Encoding.
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  const std::string_view bytes =
      "POST / HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  EXPECT_NE(llhttp_execute(&parser, bytes.data(), bytes.size()), HPE_OK);
}

TEST_P(RequestPieces, AGetIsParsedToItsLastByte) {
  const std::string bytes =
      "GET /chat?room=1 HTTP/1.1\r\nHost: a.example:80\r\nX-Empty:\r\nX-Case:  \tv w \t\r\n\r\n";
  const ParseResult result = feed(bytes);
  EXPECT_EQ(result.state, ParseState::kComplete);
  EXPECT_EQ(result.consumed, bytes.size());
  EXPECT_EQ(recorded_.head.method, "GET");
  EXPECT_EQ(recorded_.head.target, "/chat?room=1");
  EXPECT_EQ(recorded_.head.minor_version, 1);
  EXPECT_EQ(recorded_.head.headers,
            (Headers{{"Host", "a.example:80"}, {"X-Empty", ""}, {"X-Case", "v w"}}));
  EXPECT_EQ(recorded_.head.framing, BodyFraming::none());
  EXPECT_TRUE(recorded_.head.keep_alive);
  EXPECT_FALSE(recorded_.head.expects_continue);
  EXPECT_FALSE(recorded_.head.wants_upgrade);
  EXPECT_EQ(recorded_.completed, 1);
}

TEST_P(RequestPieces, ABodyOfKnownLengthIsDelivered) {
  EXPECT_EQ(feed(with_headers("Content-Length: 5\r\n", "helloGET /")).state, ParseState::kComplete);
  EXPECT_EQ(recorded_.head.framing, BodyFraming::of_length(5));
  EXPECT_EQ(recorded_.body, "hello");
}

TEST_P(RequestPieces, ContentLengthZeroCompletesAtOnce) {
  EXPECT_EQ(feed(with_headers("Content-Length: 0\r\n")).state, ParseState::kComplete);
  EXPECT_EQ(recorded_.head.framing, BodyFraming::of_length(0));
}

TEST_P(RequestPieces, AChunkedBodyAndItsTrailersAreDelivered) {
  const std::string bytes = with_headers(
      "Transfer-Encoding: Chunked\r\n",
      "5\r\nhello\r\n006;ext=\"v;w\";flag\r\n world\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n");
  const ParseResult result = feed(bytes + "GET");
  EXPECT_EQ(result.state, ParseState::kComplete);
  EXPECT_EQ(result.consumed, bytes.size());
  EXPECT_EQ(recorded_.body, "hello world");
  EXPECT_EQ(recorded_.trailers, (Headers{{"X-Sum", "1"}, {"x-sum", "2"}}));
  EXPECT_EQ(recorded_.head.framing, BodyFraming::chunked());
}

TEST_P(RequestPieces, BinaryBodiesPassUntouched) {
  std::string body(300, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i);
  EXPECT_EQ(feed(with_headers("Content-Length: 300\r\n", body)).state, ParseState::kComplete);
  EXPECT_EQ(recorded_.body, body);
}

TEST_P(RequestPieces, PipelinedRequestsStayWithTheCaller) {
  const std::string first = with_headers("Content-Length: 2\r\n", "ab");
  const std::string second = "GET /second HTTP/1.1\r\nHost: b\r\n\r\n";
  const ParseResult result = feed(first + second);
  ASSERT_EQ(result.state, ParseState::kComplete);
  ASSERT_EQ(result.consumed, first.size());
  recorded_.parser.next_message();
  EXPECT_FALSE(recorded_.parser.has_begun());
  EXPECT_EQ(feed(second).state, ParseState::kComplete);
  EXPECT_EQ(recorded_.head.target, "/second");
  EXPECT_EQ(recorded_.head.headers, (Headers{{"Host", "b"}}));
}

TEST_P(RequestPieces, ARequestAfterOneThatClosesIsStillItsOwn) {
  ASSERT_EQ(feed(with_headers("Connection: close\r\n")).state, ParseState::kComplete);
  EXPECT_FALSE(recorded_.head.keep_alive);
  recorded_.parser.next_message();
  EXPECT_EQ(feed(with_headers("")).state, ParseState::kComplete);
  EXPECT_TRUE(recorded_.head.keep_alive);
}

TEST_P(RequestPieces, EmptyLinesInFrontOfARequestAreIgnored) {
  EXPECT_EQ(feed("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").state, ParseState::kComplete);
  EXPECT_EQ(recorded_.head.target, "/");
}

TEST_P(RequestPieces, AnUpgradeCompletesLikeAnyRequestAndLeavesEarlyFramesToTheCaller) {
  const std::string handshake =
      "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      "\r\n";
  const ParseResult result = feed(handshake + "\x81\x80 frames");
  EXPECT_EQ(result.state, ParseState::kComplete);
  EXPECT_EQ(result.consumed, handshake.size());
  EXPECT_TRUE(recorded_.head.wants_upgrade);
}

TEST_P(RequestPieces, AnUpgradeWithABodyIsReadToItsEnd) {
  EXPECT_EQ(
      feed(with_headers("Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 3\r\n", "abcGET"))
          .state,
      ParseState::kComplete);
  EXPECT_EQ(recorded_.body, "abc");
  recorded_.parser.next_message();
  recorded_.body.clear();
  EXPECT_EQ(feed(with_headers("Upgrade: x\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n",
                              "3\r\nabc\r\n0\r\n\r\nGET"))
                .state,
            ParseState::kComplete);
  EXPECT_EQ(recorded_.body, "abc");
}

TEST_P(RequestPieces, UpgradeNeedsTheConnectionToken) {
  feed(with_headers("Upgrade: websocket\r\nConnection: keep-alive\r\n"));
  EXPECT_FALSE(recorded_.head.wants_upgrade);
}

TEST_P(RequestPieces, Http10IsNeverKeptAlive) {
  EXPECT_EQ(feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").state, ParseState::kComplete);
  EXPECT_EQ(recorded_.head.minor_version, 0);
  EXPECT_FALSE(recorded_.head.keep_alive);
}

TEST_P(RequestPieces, ExpectContinueIsNoticed) {
  feed(with_headers("Expect: 100-Continue\r\nContent-Length: 1\r\n"));
  EXPECT_TRUE(recorded_.head.expects_continue);
  EXPECT_EQ(recorded_.completed, 0);
}

TEST_P(RequestPieces, AnAbsoluteTargetBecomesOriginFormAndItsAuthorityTheHost) {
  EXPECT_EQ(
      feed("GET HTTP://b.example:8080/x?y=http://c HTTP/1.1\r\nX: 1\r\nHost: a\r\n\r\n").state,
      ParseState::kComplete);
  EXPECT_EQ(recorded_.head.target, "/x?y=http://c");
  EXPECT_EQ(recorded_.head.headers, (Headers{{"X", "1"}, {"Host", "b.example:8080"}}));
}

TEST_P(RequestPieces, AnAbsoluteTargetWithoutPathIsTheRoot) {
  feed("GET ws://b.example?q HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(recorded_.head.target, "/?q");
}

TEST_P(RequestPieces, OptionsMayAskForTheWholeServer) {
  EXPECT_EQ(feed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").state, ParseState::kComplete);
  EXPECT_EQ(recorded_.head.target, "*");
}

struct Hostile {
  const char* name;
  std::string bytes;
  int status;  // 0: depends on how much has come when it is noticed
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

std::string chunked(std::string_view body) {
  return with_headers("Transfer-Encoding: chunked\r\n", body);
}

using namespace std::string_literals;

const Hostile kHostile[] = {
    // Host
    {"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
    {"TwoHosts", with_headers("host: a.example\r\n"), 400},
    {"TwoHostsOnHttp10", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"HostWithSpace", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"HostList", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
    {"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"HostWithUser", "GET / HTTP/1.1\r\nHost: u@b\r\n\r\n", 400},
    // request line
    {"Http09", "GET /\r\n\r\n", 400},
    {"Http20", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"Http12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"Http11WithMore", "GET / HTTP/1.11\r\nHost: a\r\n\r\n", 0},
    {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"Rtsp", "GET / RTSP/1.1\r\nHost: a\r\n\r\n", 400},
    {"Ice", "SOURCE / ICE/1.1\r\nHost: a\r\n\r\n", 400},
    {"LowerCaseVersion", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"TwoSpaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"TwoSpacesBeforeVersion", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"SpaceBehindVersion", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 0},
    {"TabInRequestLine", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"SpaceBeforeMethod", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"Connect", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 405},
    {"UnknownMethod", "FROBNICATE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"TlsHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 0},
    {"Fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"RelativeTarget", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"StarOfGet", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"OtherScheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"AbsoluteWithoutAuthority", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"AbsoluteWithUser", "GET http://u:p@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"RawByteInTarget", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"ControlInTarget", "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"DeleteInTarget", "GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    // line ends
    {"BareLfRequestLine", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
    {"BareLfHeader", with_headers("X: y\nZ: w\r\n"), 400},
    {"BareLfEnd", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
    {"LfLfEnd", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"BareCrHeader", with_headers("X: y\rTransfer-Encoding: chunked\r\n"), 400},
    {"BareCrInName", with_headers("X\r: y\r\n"), 400},
    {"CrCrLf", with_headers("X: y\r\r\n"), 400},
    {"NulInValue", with_headers("X: a\0b\r\n"s), 400},
    {"NulInName", with_headers("X\0: b\r\n"s), 400},
    {"BareLfBeforeRequestLine", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    // header lines
    {"FoldedWithSpace", with_headers("X: a\r\n b\r\n"), 400},
    {"FoldedWithTab", with_headers("X: a\r\n\tb\r\n"), 400},
    {"FoldedTransferEncoding", with_headers("Transfer-Encoding:\r\n chunked\r\n"), 400},
    {"FoldedContentLength", with_headers("Content-Length:\r\n 5\r\n"), 400},
    {"FoldBeforeFirstHeader", "GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n", 400},
    {"EmptyName", with_headers(": x\r\n"), 400},
    {"SpaceBeforeColon", with_headers("X : y\r\n"), 400},
    {"TabBeforeColon", with_headers("X\t: y\r\n"), 400},
    {"SpaceBeforeColonOfLength", with_headers("Content-Length : 5\r\n"), 400},
    {"SpaceInName", with_headers("X Y: y\r\n"), 400},
    {"NoColon", with_headers("Xy\r\n"), 400},
    {"ControlInValue", with_headers("X: a\x01\r\n"), 400},
    {"DeleteInValue", with_headers("X: a\x7f\r\n"), 400},
    {"RawByteInName", with_headers("X\xe9: a\r\n"), 400},
    {"ParenthesisInName", with_headers("X(: a\r\n"), 400},
    // framing
    {"LengthWithEncoding", with_headers("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
     400},
    {"EncodingWithLength", with_headers("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
     400},
    {"TwoLengths", with_headers("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
    {"TwoEqualLengths", with_headers("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
    {"LengthList", with_headers("Content-Length: 5, 5\r\n"), 400},
    {"NegativeLength", with_headers("Content-Length: -5\r\n"), 400},
    {"PlusLength", with_headers("Content-Length: +5\r\n"), 400},
    {"HexLength", with_headers("Content-Length: 0x5\r\n"), 400},
    {"EmptyLength", with_headers("Content-Length: \r\n"), 400},
    {"SpacedLength", with_headers("Content-Length: 5 5\r\n"), 400},
    {"HugeLength", with_headers("Content-Length: 18446744073709551616\r\n"), 400},
    {"EncodingGzip", with_headers("Transfer-Encoding: gzip\r\n"), 400},
    {"EncodingGzipChunked", with_headers("Transfer-Encoding: gzip, chunked\r\n"), 400},
    {"EncodingChunkedGzip", with_headers("Transfer-Encoding: chunked, gzip\r\n"), 400},
    {"EncodingChunkedChunked", with_headers("Transfer-Encoding: chunked, chunked\r\n"), 400},
    {"EncodingTwice", with_headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     400},
    {"EncodingIdentity", with_headers("Transfer-Encoding: identity\r\n"), 400},
    {"EncodingPrefix", with_headers("Transfer-Encoding: xchunked\r\n"), 400},
    {"EncodingSuffix", with_headers("Transfer-Encoding: chunkedx\r\n"), 400},
    {"EncodingQuoted", with_headers("Transfer-Encoding: \"chunked\"\r\n"), 400},
    {"EncodingVerticalTab",
     with_headers("Transfer-Encoding: \x0b"
                  "chunked\r\n"),
     400},
    {"EncodingEmpty", with_headers("Transfer-Encoding:\r\n"), 400},
    {"EncodingEmptyWithLength", with_headers("Transfer-Encoding:\r\nContent-Length: 5\r\n"), 400},
    {"EncodingOnHttp10", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    // chunks
    {"ChunkSizeEmpty", chunked("\r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkSizeNoHex", chunked("x\r\n"), 400},
    {"ChunkSizePrefixed", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkSizeNegative", chunked("-3\r\nabc\r\n"), 400},
    {"ChunkSizePlus", chunked("+3\r\nabc\r\n"), 400},
    {"ChunkSizeTooLong", chunked("10000000000000003\r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkSizeBareLf", chunked("3\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkSizeBareCr", chunked("3\rabc\r\n0\r\n\r\n"), 400},
    {"ChunkSizeSpaceBefore", chunked(" 3\r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkSizeSpaceBehind", chunked("3 \r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkDataTooShort", chunked("4\r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkDataTooLong", chunked("2\r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkDataBareLf", chunked("3\r\nabc\n0\r\n\r\n"), 400},
    {"ChunkDataBareCr", chunked("3\r\nabc\r0\r\n\r\n"), 400},
    {"ChunkExtensionBareLf", chunked("3;a\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkExtensionBareCr", chunked("3;a\rb\r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkExtensionValueBareLf", chunked("3;a=b\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkExtensionQuotedLf", chunked("3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkExtensionQuotedCrLf", chunked("3;a=\"\r\n\"\r\nabc\r\n0\r\n\r\n"), 400},
    {"ChunkExtensionNul", chunked("3;a\0b\r\nabc\r\n0\r\n\r\n"s), 400},
    {"LastChunkBareLf", chunked("0\n\r\n"), 400},
    // trailers
    {"TrailerBareLf", chunked("0\r\nX: y\n\r\n"), 400},
    {"TrailerEndBareLf", chunked("0\r\nX: y\r\n\n"), 400},
    {"TrailersEndBareLfAtOnce", chunked("0\r\n\n"), 400},
    {"TrailerFolded", chunked("0\r\nX: y\r\n z\r\n\r\n"), 400},
    {"TrailerNul", chunked("0\r\nX: \0\r\n\r\n"s), 400},
    {"TrailerEmptyName", chunked("0\r\n: y\r\n\r\n"), 400},
    {"TrailerContentLength", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400},
    {"TrailerTransferEncoding", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"TrailerHost", chunked("0\r\nHost: b\r\n\r\n"), 400},
    // limits
    {"TargetTooLong", "GET /" + std::string(17000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
    {"EndlessTarget", "GET /" + std::string(17000, 'a'), 414},
    {"HeaderTooLong", with_headers("X: " + std::string(17000, 'a') + "\r\n"), 431},
    {"EndlessHeader", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(17000, 'a'), 431},
    {"EndlessEmptyLines",
     [] {
       std::string lines;
       for (int i = 0; i < 9000; ++i) lines += "\r\n";
       return lines;
     }(),
     431},
    {"TooManyHeaders",
     [] {
       std::string headers;
       for (int i = 0; i < 256; ++i) headers += "X: y\r\n";
       return with_headers(headers);
     }(),
     431},
    {"TrailersTooLong", chunked("0\r\nX: " + std::string(9000, 'a') + "\r\n\r\n"), 431},
    {"EndlessChunkExtension", chunked("1;" + std::string(20000, 'a')), 400},
    {"EndlessZerosInChunkSize", chunked(std::string(20000, '0')), 400},
};

class HostileRequest : public ::testing::TestWithParam<std::tuple<std::size_t, Hostile>> {};

TEST_P(HostileRequest, IsRefused) {
  const auto& [piece, hostile] = GetParam();
  RecordedRequest recorded;
  const ParseResult result = feed_in_pieces(recorded.parser, hostile.bytes, piece);
  ASSERT_EQ(result.state, ParseState::kError);
  if (hostile.status != 0) {
    EXPECT_EQ(result.status, hostile.status) << result.reason;
  }
  EXPECT_STRNE(result.reason, "");
  EXPECT_EQ(recorded.completed, 0);
  // It stays refused.
  EXPECT_EQ(recorded.parser.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n").state, ParseState::kError);
}

INSTANTIATE_TEST_SUITE_P(Table, HostileRequest,
                         ::testing::Combine(::testing::ValuesIn(kPieces),
                                            ::testing::ValuesIn(kHostile)),
                         [](const auto& test) {
                           return std::string(std::get<1>(test.param).name) + "_" +
                                  std::to_string(std::get<0>(test.param));
                         });

TEST(RequestParser, LimitsAreSettable) {
  RecordedRequest recorded(ParserLimits{.head_bytes = 128 * 1024});
  const std::string bytes = "GET /" + std::string(100000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(recorded.parser.feed(bytes).state, ParseState::kComplete);
}

TEST(RequestParser, SmallChunksOfAHonestSenderAreNoAttack) {
  std::string body;
  for (int i = 0; i < 20000; ++i) body += "1\r\nx\r\n";
  body += "0\r\n\r\n";
  for (const std::size_t piece : kPieces) {
    RecordedRequest recorded;
    EXPECT_EQ(feed_in_pieces(recorded.parser, chunked(body), piece).state, ParseState::kComplete);
    EXPECT_EQ(recorded.body.size(), 20000u);
  }
}

// What one size line may be long depends neither on how it comes nor on what comes with it.
TEST(RequestParser, ALongSizeLineIsRefusedHoweverItComes) {
  const ParserLimits limits{.chunk_overhead = 32};
  for (const std::size_t piece : kPieces) {
    for (const std::size_t extension : {44, 45}) {
      const std::string body = "5;" + std::string(extension, 'a') + "\r\nhello\r\n0\r\n\r\n";
      RecordedRequest recorded(limits);
      EXPECT_EQ(feed_in_pieces(recorded.parser, chunked(body), piece).state,
                extension == 44 ? ParseState::kComplete : ParseState::kError)
          << piece << ' ' << extension;
    }
  }
}

TEST(RequestParser, SaysWhetherSomethingHasCome) {
  RecordedRequest recorded;
  EXPECT_FALSE(recorded.parser.has_begun());
  recorded.parser.feed("\r\n");
  EXPECT_FALSE(recorded.parser.has_begun());
  recorded.parser.feed("G");
  EXPECT_TRUE(recorded.parser.has_begun());
  EXPECT_FALSE(recorded.parser.has_head());
  recorded.parser.feed("ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
  EXPECT_TRUE(recorded.parser.has_head());
}

}  // namespace
}  // namespace sockhook::http
