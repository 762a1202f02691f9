#include "backplane/redis/resp.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace sockhook::redis {
namespace {

using namespace std::string_literals;

std::vector<Reply> read_all(ReplyReader& reader) {
  std::vector<Reply> replies;
  while (std::optional<Reply> reply = reader.next()) replies.push_back(std::move(*reply));
  return replies;
}

void expect_stream(const std::vector<Reply>& replies) {
  ASSERT_EQ(replies.size(), 7U);
  EXPECT_EQ(*replies[0].string(), "OK");
  EXPECT_EQ(*replies[1].integer(), -42);
  EXPECT_TRUE(replies[2].is_nil());
  EXPECT_EQ(*replies[3].string(), std::string("bin\0\r\nary", 8));
  EXPECT_TRUE(replies[4].is_error("NOSCRIPT"));
  EXPECT_EQ(replies[5].array()->size(), 3U);
  EXPECT_EQ(*replies[5].at(0).string(), "a");
  EXPECT_EQ(*replies[5].at(1).at(0).integer(), 1);
  EXPECT_TRUE(replies[5].at(1).at(1).is_nil());
  EXPECT_TRUE(replies[5].at(2).array()->empty());
  EXPECT_TRUE(replies[6].is_nil());
}

std::string stream() {
  std::string bytes = "+OK\r\n:-42\r\n$-1\r\n$8\r\n";
  bytes += std::string("bin\0\r\nary", 8);
  return bytes +
         "\r\n-NOSCRIPT No matching script.\r\n*3\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n*0\r\n*-1\r\n";
}

TEST(ReplyReader, ReadsEveryKindWhole) {
  ReplyReader reader;
  reader.feed(stream());
  expect_stream(read_all(reader));
  EXPECT_TRUE(reader.error().empty());
}

TEST(ReplyReader, ReadsEveryKindByteByByte) {
  ReplyReader reader;
  std::vector<Reply> replies;
  for (const char byte : stream()) {
    reader.feed({&byte, 1});
    for (Reply& reply : read_all(reader)) replies.push_back(std::move(reply));
  }
  expect_stream(replies);
}

TEST(ReplyReader, RefusesWhatIsNotResp2) {
  for (const char* garbage : {"HTTP/1.1 200 OK\r\n", "$nonsense\r\n", "#t\r\n", ",1.5\r\n"}) {
    ReplyReader reader;
    reader.feed(garbage);
    EXPECT_FALSE(reader.next()) << garbage;
    EXPECT_FALSE(reader.error().empty()) << garbage;
  }
}

TEST(ReplyReader, KeepsRepliesBeforeGarbage) {
  ReplyReader reader;
  reader.feed("+OK\r\nnonsense\r\n");
  EXPECT_EQ(*reader.next()->string(), "OK");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.error().empty());
}

TEST(ReplyReader, LimitsElementsBeforeItMakesRoomForThem) {
  for (const std::size_t count :
       {ReplyReader::kMaxElements + 1, std::size_t{std::numeric_limits<int>::max()}}) {
    ReplyReader reader;
    reader.feed("*" + std::to_string(count) + "\r\n");
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.error().empty());
  }
}

TEST(ReplyReader, LimitsTheBytesOfOneReply) {
  ReplyReader reader;
  reader.feed("$" + std::to_string(2 * ReplyReader::kMaxReplyBytes) + "\r\n");
  const std::string megabyte(std::size_t{1} << 20U, 'x');
  std::size_t fed = 0;
  while (reader.error().empty() && fed < 2 * ReplyReader::kMaxReplyBytes) {
    reader.feed(megabyte);
    fed += megabyte.size();
    EXPECT_FALSE(reader.next());
  }
  EXPECT_LE(fed, ReplyReader::kMaxReplyBytes + megabyte.size());
}

TEST(ReplyReader, CountsTheBytesOfEachReplyAnew) {
  ReplyReader reader;
  const std::string body(ReplyReader::kMaxReplyBytes / 2, 'x');
  for (int i = 0; i < 4; ++i) {
    reader.feed("$" + std::to_string(body.size()) + "\r\n");
    reader.feed(body);
    reader.feed("\r\n");
    ASSERT_TRUE(reader.next()) << i;
  }
}

TEST(Reply, FindsErrorCodesAlsoWhereAScriptHasWrappedThem) {
  const auto error = [](const char* text) { return Reply(Reply::Error{text}); };
  EXPECT_TRUE(error("READONLY You can't write").is_error("READONLY"));
  EXPECT_TRUE(error("FENCED").is_error("FENCED"));
  EXPECT_FALSE(error("READONLYX").is_error("READONLY"));
  EXPECT_FALSE(error("ERR READONLY").is_error("READONLY"));
  EXPECT_TRUE(error("ERR Error running script (call to f_0a): @user_script:1: @user_script: 1: "
                    "-READONLY You can't write against a read only replica.")
                  .is_error("READONLY"));
  EXPECT_FALSE(Reply(std::string("READONLY")).is_error("READONLY"));
}

TEST(AppendCommand, IsBinarySafe) {
  const std::array<std::string_view, 3> arguments = {"SET", "", std::string_view("\0\r\n", 3)};
  std::string bytes = "before";
  append_command(bytes, arguments);
  EXPECT_EQ(bytes, "before*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\n\0\r\n\r\n"s);
  EXPECT_GE(command_bytes(arguments), bytes.size() - 6);
}

}  // namespace
}  // namespace sockhook::redis
