// Where tokens stand in a handshake, and what is left of it without them (contract 5.2).

#include "proxy/client/token_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sockhook::client {
namespace {

using Kind = conf::Jwt::Source::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const conf::Jwt::Source kHeader{Kind::kHeader, {}};
const conf::Jwt::Source kQuery{Kind::kQuery, "access_token"};
const conf::Jwt::Source kCookie{Kind::kCookie, "session"};
const conf::Jwt::Source kProtocol{Kind::kProtocol, {}};

class TokenSource : public ::testing::Test {
 protected:
  TokenSource() { head.target = "/chat"; }

  std::vector<std::string> take(std::vector<conf::Jwt::Source> from) {
    conf::Jwt issuer;
    issuer.from = std::move(from);
    std::vector<std::string> texts;
    for (const FoundToken& token : take_tokens({issuer}, head)) texts.push_back(token.text);
    return texts;
  }
  std::string target_without(std::string target) {
    head.target = std::move(target);
    take({kQuery});
    return head.target;
  }
  std::vector<std::string_view> protocols_without(std::vector<std::string> lines) {
    head.headers.remove("Sec-WebSocket-Protocol");
    for (const std::string& line : lines) head.headers.add("Sec-WebSocket-Protocol", line);
    take({kProtocol});
    return head.headers.find_all("sec-websocket-protocol");
  }

  http::RequestHead head;
};

TEST_F(TokenSource, TheAuthorizationHeaderWithTheBearerScheme) {
  head.headers = {{"authorization", "bEARER  a.b.c "}};
  EXPECT_THAT(take({kHeader}), ElementsAre("a.b.c"));
  EXPECT_EQ(head.headers.size(), 1U) << "it is the backend's too";
  for (const char* other : {"Basic YTpi", "Bearer", "Bearer ", "Bearera.b.c", "a.b.c"}) {
    head.headers = {{"Authorization", other}};
    EXPECT_THAT(take({kHeader}), IsEmpty()) << other;
  }
}

TEST_F(TokenSource, AParameterOfTheQuery) {
  head.target = "/chat?a=1&access_token=a.b%2Ec&b=2";
  EXPECT_THAT(take({kQuery}), ElementsAre("a.b.c"));
  EXPECT_EQ(head.target, "/chat?a=1&b=2");
}

TEST_F(TokenSource, TheQueryKeepsEveryOtherByte) {
  EXPECT_EQ(target_without("/chat?access_token=t"), "/chat");
  EXPECT_EQ(target_without("/chat?access_token=t&a=%2f+%zz&&b"), "/chat?a=%2f+%zz&&b");
  EXPECT_EQ(target_without("/chat?a&access_token=t"), "/chat?a");
  EXPECT_EQ(target_without("/chat?x=access_token=t"), "/chat?x=access_token=t");
  EXPECT_EQ(target_without("/chat?Access_Token=t&"), "/chat?Access_Token=t&");
  EXPECT_EQ(target_without("/chat?"), "/chat?");
  EXPECT_EQ(target_without("/ch%61t?access_token=t"), "/ch%61t");
}

TEST_F(TokenSource, TheParameterIsTakenHoweverItIsWritten) {
  for (const char* query : {"access%5Ftoken=t", "%61ccess_token=t", "access_token=t%zz",
                            "access_token=t&access_token=u", "access_token", "access_token="}) {
    EXPECT_EQ(target_without(std::string("/chat?") + query), "/chat") << query;
  }
}

TEST_F(TokenSource, ACookie) {
  head.headers = {{"Cookie", "a=1; session=a.b.c; other=2"},
                  {"cookie", "xsession=d; session =\"e\""}};
  EXPECT_THAT(take({kCookie}), ElementsAre("a.b.c", "e"));
  EXPECT_EQ(head.headers.size(), 2U) << "they are the backend's too";
  head.headers = {{"Cookie", "Session=a; session; session=; ;=b"}};
  EXPECT_THAT(take({kCookie}), IsEmpty());
}

TEST_F(TokenSource, AnOfferedSubprotocol) {
  head.headers = {{"Sec-WebSocket-Protocol", "chat.v2, bearer.a.b.c"}};
  EXPECT_THAT(take({kProtocol}), ElementsAre("a.b.c"));
  EXPECT_THAT(head.headers.find_all("Sec-WebSocket-Protocol"), ElementsAre("chat.v2"));
}

TEST_F(TokenSource, NoSubprotocolOfThatKindIsLeft) {
  EXPECT_THAT(protocols_without({"bearer.a"}), IsEmpty());
  EXPECT_THAT(protocols_without({"x", "bearer.a, y, bearer.b", "bearer."}), ElementsAre("x", "y"));
  EXPECT_THAT(protocols_without({"Bearer.a,z"}), ElementsAre("z"));
  EXPECT_THAT(protocols_without({"bearer,bearers.a"}), ElementsAre("bearer,bearers.a"));
}

TEST_F(TokenSource, WhatIsNotAskedForStays) {
  head.target = "/chat?access_token=q";
  head.headers = {{"Sec-WebSocket-Protocol", "bearer.p"}};
  EXPECT_THAT(take({kHeader, kCookie}), IsEmpty());
  EXPECT_EQ(head.target, "/chat?access_token=q");
  EXPECT_EQ(head.headers.size(), 1U);
}

TEST_F(TokenSource, TokensOfAllIssuersPlacesAreTaken) {
  head.target = "/chat?access_token=q&jwt=j";
  head.headers = {{"Authorization", "Bearer h"}, {"Sec-WebSocket-Protocol", "bearer.p"}};
  conf::Jwt one;
  one.from = {kHeader, kQuery};
  conf::Jwt two;
  two.from = {kProtocol, {Kind::kQuery, "jwt"}, kHeader};
  const std::vector<FoundToken> found = take_tokens({one, two}, head);
  ASSERT_EQ(found.size(), 4U) << "each once";
  EXPECT_EQ(found[0].text, "h");
  EXPECT_EQ(found[0].source, kHeader);
  EXPECT_EQ(found[3].source.name, "jwt");
  EXPECT_EQ(head.target, "/chat");
}

}  // namespace
}  // namespace sockhook::client
