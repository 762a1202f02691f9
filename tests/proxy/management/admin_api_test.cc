// The admin pages: /healthz, /readyz, /metrics, /drain.

#include "proxy/management/admin_api.h"

#include <gtest/gtest.h>

namespace sockhook::management {
namespace {

struct FakeNode final : NodeStatus {
  bool loops_turn() const override { return turns; }
  Readiness readiness() const override { return now; }
  std::string metrics_text() const override { return "sockhook_nodes 1\n"; }
  DrainProgress drain_progress() const override { return progress; }
  void request_drain() override { progress.phase = DrainPhase::kWaiting; }

  bool turns = true;
  Readiness now;
  DrainProgress progress;
};

class AdminApiTest : public ::testing::Test {
 protected:
  Answer get(const std::string& target, const std::string& method = "GET") {
    return ask(api, target, method, {});
  }
  static Answer ask(AdminApi& api, const std::string& target, const std::string& method,
                    const std::vector<std::string>& authorizations) {
    http::RequestHead head;
    head.method = method;
    head.target = target;
    for (const auto& value : authorizations) head.headers.add("Authorization", value);
    if (auto refusal = api.refuse(head)) return *refusal;
    return *api.handle(head, {}, false, nullptr).answer;
  }
  Answer post_drain(const std::vector<std::string>& authorizations) {
    return ask(guarded, "/drain", "POST", authorizations);
  }

  FakeNode node;
  AdminApi api{node, std::nullopt};
  AdminApi guarded{node, "admin-secret"};
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

TEST_F(AdminApiTest, WithoutAConfiguredTokenADrainCanOnlyBeWatched) {
  EXPECT_EQ(get("/drain").body, R"({"phase":"serving","connections":0,"disconnects":0})");
  const Answer refused = ask(api, "/drain", "POST", {"Bearer "});
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("listen.admin.token"), std::string::npos) << refused.body;
  EXPECT_EQ(node.progress.phase, DrainPhase::kServing);
  EXPECT_EQ(get("/drain", "DELETE").status, 405);
  EXPECT_EQ(*get("/drain", "DELETE").headers.find("Allow"), "GET, HEAD, POST");
}

TEST_F(AdminApiTest, TheTokenBeginsADrain) {
  for (const auto& wrong :
       std::vector<std::vector<std::string>>{{},
                                             {"admin-secret"},
                                             {"Basic admin-secret"},
                                             {"Bearer"},
                                             {"Bearer admin-secre"},
                                             {"Bearer admin-secrets"},
                                             {"Bearer admin-secret", "Bearer admin-secret"}}) {
    const Answer refused = post_drain(wrong);
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(*refused.headers.find("WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(node.progress.phase, DrainPhase::kServing);
  node.progress = {DrainPhase::kServing, 3, 1};
  const Answer begun = post_drain({"bearer  admin-secret"});
  EXPECT_EQ(begun.status, 202);
  EXPECT_EQ(begun.body, R"({"phase":"waiting","connections":3,"disconnects":1})");
  EXPECT_EQ(post_drain({"Bearer admin-secret"}).status, 202) << "again";
}

TEST_F(AdminApiTest, EveryPhaseHasAName) {
  for (const auto& [phase, name] : {std::pair{DrainPhase::kClosing, "closing"},
                                    {DrainPhase::kGivingUp, "giving_up"},
                                    {DrainPhase::kDrained, "drained"}}) {
    node.progress.phase = phase;
    EXPECT_NE(get("/drain").body.find(name), std::string::npos);
  }
}

}  // namespace
}  // namespace sockhook::management
