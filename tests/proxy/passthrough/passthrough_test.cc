#include "proxy/passthrough/passthrough.h"

#include <gtest/gtest.h>

#include "protocol/http/target.h"
#include "tests/proxy/passthrough/passthrough_fixture.h"

namespace sockhook::passthrough {
namespace {

class WebhookPathsTest : public PassthroughTest {
 protected:
  // The status line that a GET of that path gets from a backend that answers everything.
  std::string status_of(const std::string& path) {
    RawClient& client = send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(gets(client, "\r\n\r\n"));
    return client.received.substr(0, client.received.find("\r\n"));
  }
  void open_answering() {
    open().on_received = [](auto& connection) {
      connection.send(length_answer(""));
      connection.received.clear();
    };
  }
};

TEST_F(WebhookPathsTest, AWebhookOfTheBackendIsNotFoundHoweverItIsSpelt) {
  settings.webhook_paths = {http::comparison_path("/hooks/message")};
  open_answering();
  for (const char* path :
       {"/hooks/message", "/hooks/message/", "/HOOKS/Message", "/hooks/message?x=1",
        "/hooks//message", "/hooks/./message", "/x/../hooks/message", "/hooks%2Fmessage",
        "/%68ooks/message", "/hooks/%256Dessage", "/hooks\\message", "/hooks;a=1/message"}) {
    EXPECT_EQ(status_of(path), "HTTP/1.1 404 Not Found") << path;
  }
  for (const char* path : {"/hooks", "/hooks/message2", "/a/hooks/message", "/?/hooks/message"}) {
    EXPECT_EQ(status_of(path), "HTTP/1.1 200 OK") << path;
  }
}

TEST_F(WebhookPathsTest, ThePathPrefixOfTheBackendCounts) {
  settings.webhook_paths = {http::comparison_path("/app/hooks")};
  add_backend();
  config.urls[0].path_prefix = "/app";
  open_answering();
  EXPECT_EQ(status_of("/hooks"), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(status_of("/../app/hooks"), "HTTP/1.1 404 Not Found");
  EXPECT_EQ(status_of("/app/hooks"), "HTTP/1.1 200 OK") << "which is /app/app/hooks there";
}

TEST_F(PassthroughTest, WhileDrainingNewRequestsAre503AndRunningOnesEnd) {
  open();
  RawClient& running = send(kGet);
  ASSERT_TRUE(asked("GET"));
  passthrough->drain();
  RawClient& late = send(kGet);
  ASSERT_TRUE(gets(late, "HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_TRUE(late.has("\r\nRetry-After: "));
  EXPECT_EQ(passthrough->active(), 1u);
  asked_connection().send(length_answer("whole"));
  ASSERT_TRUE(gets(running, "whole"));
  EXPECT_EQ(passthrough->active(), 0u);
}

TEST_F(PassthroughTest, TooManyThatWaitAre503) {
  config.max_connections = 1;
  open();
  backend::User holder(*pool);
  ASSERT_TRUE(get_lease(holder));
  for (std::size_t i = 0; i < Passthrough::kMaxWaiting; ++i) send(kGet);
  ASSERT_TRUE(until([&] { return passthrough->active() == Passthrough::kMaxWaiting; }));
  RawClient& late = send(kGet);
  ASSERT_TRUE(gets(late, "HTTP/1.1 503"));
  clients.front()->close();
  ASSERT_TRUE(until([&] { return passthrough->active() == Passthrough::kMaxWaiting - 1; }));
  send(kGet);
  EXPECT_TRUE(until([&] { return passthrough->active() == Passthrough::kMaxWaiting; }));
}

}  // namespace
}  // namespace sockhook::passthrough
