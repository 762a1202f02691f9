#include "conf/quick_config.h"

#include <gtest/gtest.h>

namespace sockhook::conf {
namespace {

TEST(QuickConfig, SendsEverythingOfEveryPathToOneUrl) {
  const auto config = quick_config("http://app:3000/hooks/?key=1");
  ASSERT_TRUE(config);
  ASSERT_EQ(config->endpoints.size(), 1U);
  const Endpoint& endpoint = config->endpoints[0];
  EXPECT_EQ(endpoint.path, (PathPattern{"/", true}));
  EXPECT_EQ(endpoint.format, Format::kEvents);
  EXPECT_FALSE(endpoint.select);
  for (const auto& route :
       {endpoint.routes.connect, endpoint.routes.disconnect, endpoint.routes.fallback}) {
    ASSERT_TRUE(route);
    EXPECT_EQ(route->path, "/hooks/?key=1") << "the URL's own path, nothing behind it";
    EXPECT_EQ(config->backend_of(*route).urls[0].authority, "app:3000");
    EXPECT_EQ(config->backend_of(*route).urls[0].path_prefix, "");
  }
  EXPECT_EQ(endpoint.routes.connect->key, "$connect");
  EXPECT_EQ(endpoint.routes.disconnect->key, "$disconnect");
  EXPECT_EQ(endpoint.routes.fallback->key, "$default");
}

TEST(QuickConfig, UsesTheDefaultsForAllElse) {
  const auto config = quick_config("http://app");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->listen, Listen{});
  EXPECT_EQ(config->backplane, Backplane{});
  EXPECT_FALSE(config->passthrough);
  EXPECT_EQ(config->endpoints[0].limits, Limits{});
  EXPECT_EQ(config->endpoints[0].routes.connect->path, "/");
}

TEST(QuickConfig, TakesAQueryWithoutAPath) {
  EXPECT_EQ(quick_config("http://app?a=b")->endpoints[0].routes.fallback->path, "/?a=b");
}

TEST(QuickConfig, MayBeAUnixSocket) {
  const auto config = quick_config("http+unix://%2Frun%2Fapp.sock/hook");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->backends[0].urls[0].unix_path, "/run/app.sock");
  EXPECT_EQ(config->endpoints[0].routes.fallback->path, "/hook");
}

TEST(QuickConfig, SaysWhatIsWrongWithTheUrl) {
  EXPECT_EQ(quick_config("app:3000").error(),
            "\"app:3000\" is no URL; allowed: http://HOST:PORT/PREFIX, "
            "https://HOST:PORT/PREFIX or http+unix://%2Fpath%2Fto.sock/PREFIX");
  EXPECT_EQ(quick_config("http://me:secret@app").error(),
            "has a user; credentials go into headers; allowed: "
            "http://HOST:PORT/PREFIX, https://HOST:PORT/PREFIX or "
            "http+unix://%2Fpath%2Fto.sock/PREFIX");
}

}  // namespace
}  // namespace sockhook::conf
