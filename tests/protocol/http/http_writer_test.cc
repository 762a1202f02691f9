#include "protocol/http/http_writer.h"

#include <gtest/gtest.h>

#include "tests/protocol/http/parser_recorder.h"

namespace sockhook::http {
namespace {

using namespace std::string_literals;

TEST(HttpWriter, HeadsAreWrittenAsTheyWereGiven) {
  std::string out;
  write_request_head(out, "POST", "/a?b", {{"Host", "h"}, {"X-Empty", ""}});
  EXPECT_EQ(out, "POST /a?b HTTP/1.1\r\nHost: h\r\nX-Empty: \r\n\r\n");
  out.clear();
  write_response_head(out, 404, "", {{"A", "b"}});
  EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n");
  out.clear();
  write_response_head(out, 299, "Mine", {});
  EXPECT_EQ(out, "HTTP/1.1 299 Mine\r\n\r\n");
  out.clear();
  write_header(out, "Content-Length", std::uint64_t{18446744073709551615u});
  EXPECT_EQ(out, "Content-Length: 18446744073709551615\r\n");
}

TEST(HttpWriter, ValuesCannotLeaveTheirLine) {
  std::string out;
  write_header(out, "X", "a\r\nInjected: b\nc\0d\te"s);
  EXPECT_EQ(out, "X: a  Injected: b c d\te\r\n");
  out.clear();
  write_status_line(out, 200, "OK\r\nInjected: b");
  EXPECT_EQ(out, "HTTP/1.1 200 OK  Injected: b\r\n");
  out.clear();
  write_request_line(out, "GET", "/a b\r\nX: y\xc3\xa4");
  EXPECT_EQ(out, "GET /a%20b%0D%0AX:%20y%C3%A4 HTTP/1.1\r\n");
}

TEST(HttpWriter, FieldsWithNamesThatAreNoTokensAreLeftOut) {
  std::string out;
  for (const char* const name : {"", "a b", "a:", "a\r\nb", "\xc3\xa4", "a("}) {
    write_header(out, name, "x");
    write_header(out, name, std::uint64_t{1});
  }
  EXPECT_EQ(out, "");
}

TEST(HttpWriter, TellsTokensAndValues) {
  EXPECT_TRUE(is_token("X-a_1!~"));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_FALSE(is_token(""));
  EXPECT_TRUE(is_field_value("a\tb \xc3\xa4"));
  EXPECT_TRUE(is_field_value(""));
  EXPECT_FALSE(is_field_value("a\nb"));
  EXPECT_FALSE(is_field_value("a\x7f"));
}

TEST(HttpWriter, ChunksAreReadBackByTheParser) {
  std::string out;
  write_request_head(out, "POST", "/", {{"Host", "a"}, {"Transfer-Encoding", "chunked"}});
  write_chunk(out, std::string(300, 'x'));
  write_chunk(out, "");
  write_chunk(out, "y");
  write_last_chunk(out, {{"X-T", "1"}});
  testing::RecordedRequest recorded;
  const ParseResult result = recorded.parser.feed(out);
  EXPECT_EQ(result.state, ParseState::kComplete);
  EXPECT_EQ(result.consumed, out.size());
  EXPECT_EQ(recorded.body, std::string(300, 'x') + "y");
  EXPECT_EQ(recorded.trailers, (Headers{{"X-T", "1"}}));
}

TEST(HttpWriter, DatesAreThoseOfTheRfc) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace sockhook::http
