// The ManagementApi over a FakeRouter and a MemoryBackplane, called without sockets.

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "backplane/memory_backplane.h"
#include "proxy/management/management_api.h"
#include "tests/proxy/management/fake_router.h"
#include "tests/support/loop_runner.h"

namespace sockhook::management {

// An id that this or another node may have made.
inline std::string some_id(std::uint8_t number = 1) {
  static const webhook::IdScheme scheme({}, {});
  webhook::ConnectionId::Random random{};
  random[0] = number;
  return scheme.make({0, number}, random).to_string();
}

inline push::PushOutcome outcome_of(push::Delivery delivery) {
  push::PushOutcome outcome;
  outcome.delivery = delivery;
  return outcome;
}

class ApiFixture : public ::testing::Test, public CallListener {
 protected:
  explicit ApiFixture(conf::Config config = {}) : config_(std::move(config)) {}

  // Asks; the answer, if there is one already.
  std::optional<Answer> ask(std::string_view method, std::string_view target, std::string body = {},
                            http::Headers headers = {}, bool is_oversized = false) {
    http::RequestHead head;
    head.method = method;
    head.target = target;
    head.headers = std::move(headers);
    if (auto refusal = api.refuse(head)) return refusal;
    Started started = api.handle(head, std::move(body), is_oversized, this);
    last_call = started.call;
    return std::move(started.answer);
  }
  // Asks, lets the router answer with `outcome`, and gives the answer.
  Answer call(std::string_view method, std::string_view target, push::PushOutcome outcome,
              std::string body = {}, http::Headers headers = {}) {
    const std::size_t before = router.submitted.size();
    auto answer = ask(method, target, std::move(body), std::move(headers));
    if (answer) return *answer;
    const CallId call = last_call;
    EXPECT_EQ(router.submitted.size(), before + 1);
    router.answer(before, std::move(outcome));
    return answers.at(call);
  }
  Answer call(std::string_view method, std::string_view target, std::string body = {},
              http::Headers headers = {}) {
    return call(method, target, push::PushOutcome{}, std::move(body), std::move(headers));
  }

  void on_call_answered(CallId call, Answer& answer) override { answers.emplace(call, answer); }

  static std::string code_of(const Answer& answer) {
    const auto problem = nlohmann::json::parse(answer.body);
    EXPECT_EQ(answer.content_type, "application/problem+json");
    EXPECT_EQ(problem["type"], "about:blank");
    EXPECT_EQ(problem["status"], answer.status);
    return problem["code"];
  }

  const conf::Config config_;
  FakeRouter router;
  std::uint64_t now_ms = 0;
  testing::LoopRunner runner;
  backplane::MemoryBackplane backplane{runner.loop(), [this] { return now_ms; }};
  observe::ControlMetrics metrics;
  ManagementApi api{config_, router, backplane, metrics};
  CallId last_call = 0;
  std::map<CallId, Answer> answers;
};

}  // namespace sockhook::management
