#include "protocol/websocket/subprotocols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sockhook::websocket {
namespace {

using ::testing::ElementsAre;

TEST(Subprotocols, AreReadOverSeveralLinesInTheClientsOrder) {
  Subprotocols offered;
  EXPECT_TRUE(add_offered_subprotocols("chat.v2 ,\tchat.v1", offered));
  EXPECT_TRUE(add_offered_subprotocols("  soap  ", offered));
  EXPECT_THAT(offered, ElementsAre("chat.v2", "chat.v1", "soap"));
}

TEST(Subprotocols, AnythingButTokensIsRefused) {
  for (const char* line :
       {"", " ", ",", "a,", ",a", "a,,b", "a b", "a/b", "\"a\"", "a;q=1", "é", "a\x01"}) {
    Subprotocols offered;
    EXPECT_FALSE(add_offered_subprotocols(line, offered)) << line;
  }
}

TEST(Subprotocols, ANameOfferedTwiceIsRefused) {
  Subprotocols offered;
  EXPECT_FALSE(add_offered_subprotocols("a, b, a", offered));
  Subprotocols over_lines;
  EXPECT_TRUE(add_offered_subprotocols("a", over_lines));
  EXPECT_FALSE(add_offered_subprotocols("b, a", over_lines));
}

TEST(Subprotocols, AreCaseSensitive) {
  Subprotocols offered;
  EXPECT_TRUE(add_offered_subprotocols("Chat, chat", offered));
  EXPECT_TRUE(is_offered(offered, "Chat"));
  EXPECT_FALSE(is_offered(offered, "CHAT"));
}

TEST(Subprotocols, TheClientsFirstThatIsAllowedIsChosen) {
  const Subprotocols offered = {"x", "b", "a"};
  const std::vector<std::string> allowed = {"a", "b"};
  EXPECT_EQ(choose_subprotocol(offered, allowed), "b");
  EXPECT_EQ(choose_subprotocol({}, allowed), "");
  EXPECT_EQ(choose_subprotocol(offered, {}), "");
}

}  // namespace
}  // namespace sockhook::websocket
