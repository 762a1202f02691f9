// What the threads of a node share.

#include "proxy/node.h"

#include <gtest/gtest.h>

#include "tests/support/chat_config.h"

namespace sockhook {
namespace {

std::shared_ptr<const conf::Config> config_with_id(std::optional<std::string> id) {
  conf::Config config = testing::chat_config();
  config.node.id = std::move(id);
  config.listen.public_.trusted_proxies = {"10.0.0.0/8", "::1"};
  return std::make_shared<const conf::Config>(std::move(config));
}

TEST(Node, ItHasTheNameThatItIsGiven) {
  EXPECT_EQ(Node(config_with_id("gw-1"), 2, 10).name, "gw-1");
}

TEST(Node, WithoutOneItMakesOneThatNoOtherHas) {
  const Node one(config_with_id(std::nullopt), 1, 10);
  const Node two(config_with_id(std::nullopt), 1, 10);
  EXPECT_NE(one.name, two.name);
  EXPECT_LE(one.name.size(), 63U);
}

TEST(Node, IdsOfAnEarlierLifeOfTheSameNameAreStrangers) {
  const Node before(config_with_id("gw-1"), 1, 10);
  const Node after(config_with_id("gw-1"), 1, 10);
  const auto id = before.ids.make({0, 1}, {});
  EXPECT_TRUE(before.ids.locate(id));
  EXPECT_FALSE(after.ids.locate(id));
}

TEST(Node, ItIsMadeReadyFromTheConfig) {
  const Node node(config_with_id("gw-1"), 3, 10);
  EXPECT_NE(node.routes.find("/chat"), nullptr);
  EXPECT_EQ(node.metrics.workers.size(), 3U);
  ASSERT_EQ(node.trusted_proxies.size(), 2U);
  EXPECT_TRUE(node.trusted_proxies[0].contains(*http::IpAddress::parse("10.1.2.3")));
  EXPECT_FALSE(node.is_draining);
}

}  // namespace
}  // namespace sockhook
