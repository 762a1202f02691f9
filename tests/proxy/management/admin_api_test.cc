// The admin pages: /healthz, /readyz, /metrics.

#include "proxy/management/admin_api.h"

#include <gtest/gtest.h>

namespace sockhook::management {
namespace {

struct FakeNode final : NodeStatus {
  bool loops_turn() const override { return turns; }
  Readiness readiness() const override { return now; }
  std::string metrics_text() const override { return "sockhook_nodes 1\n"; }

  bool turns = true;
  Readiness now;
};

class AdminApiTest : public ::testing::Test {
 protected:
  Answer get(const std::string& target, const std::string& method = "GET") {
    http::RequestHead head;
    head.method = method;
    head.target = target;
    if (auto refusal = api.refuse(head)) return *refusal;
    return *api.handle(head, {}, false, nullptr).answer;
  }

  FakeNode node;
  AdminApi api{node};
};

TEST_F(AdminApiTest, HealthzSaysWhetherTheLoopsTurn) {
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/healthz", "HEAD").status, 200);
  node.turns = false;
  EXPECT_EQ(get("/healthz").status, 503);
}

TEST_F(AdminApiTest, ReadyzTellsWhyItIsNotReady) {
  Answer answer = get("/readyz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body, R"({"ready":true,"draining":false,"backplane":"none","memory":null})");
  node.now = {false, true, BackplaneState::kDown, 0.5};
  answer = get("/readyz?verbose");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, R"({"ready":false,"draining":true,"backplane":"down","memory":0.500})");
}

TEST_F(AdminApiTest, MetricsArePrometheusText) {
  EXPECT_EQ(get("/metrics").body, "sockhook_nodes 1\n");
  EXPECT_EQ(get("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(AdminApiTest, NothingElseIsThereAndNothingCanBeChanged) {
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/config").status, 404);
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    EXPECT_EQ(get("/metrics", method).status, 405);
    EXPECT_EQ(*get("/metrics", method).headers.find("Allow"), "GET, HEAD");
    EXPECT_EQ(get("/reload", method).status, 404);
  }
}

}  // namespace
}  // namespace sockhook::management
