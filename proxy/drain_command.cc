#include "proxy/drain_command.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>

#include "conf/command_line.h"
#include "proxy/admin_call.h"
#include "proxy/drain.h"

namespace sockhook {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kPath = "/drain";
constexpr int kAccepted = 202;
constexpr int kFound = 200;

int fail(const std::string& why) {
  std::fprintf(stderr, "sockhook: drain: %s\n", why.c_str());
  return conf::kExitFailed;
}

std::string describe(const AdminAnswer& answer) {
  return "the admin listener answered " + std::to_string(answer.status) + ": " + answer.body;
}

int wait_until_drained(const conf::Config& config) {
  const auto longest = config.drain.delay + config.drain.period +
                       std::chrono::milliseconds(Drain::kGraceMs + kDrainSlackMs);
  const auto end = Clock::now() + longest;
  while (Clock::now() < end) {
    const auto answer = admin_call(config.listen.admin, "GET", kPath);
    if (!answer && answer.error().is_refused) return conf::kExitFine;  // it has gone meanwhile
    if (answer && answer->status != kFound) return fail(describe(*answer));
    if (answer && answer->body.find(R"("phase":"drained")") != std::string::npos) {
      return conf::kExitFine;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kDrainPollMs));
  }
  return fail("the node has not drained in time");
}

}  // namespace

int drain_node(const conf::Config& config, bool wait) {
  const auto answer = admin_call(config.listen.admin, "POST", kPath);
  if (!answer) {
    return fail("cannot reach the admin listener at " + config.listen.admin.address.to_string() +
                ": " + answer.error().what);
  }
  if (answer->status != kAccepted) return fail(describe(*answer));
  return wait ? wait_until_drained(config) : conf::kExitFine;
}

}  // namespace sockhook
