#include "backplane/redis/greeting.h"

#include <initializer_list>

namespace sockhook::redis {

std::size_t Greeting::write(std::string& out) {
  const auto say = [&](Step step, std::initializer_list<std::string_view> arguments) {
    append_command(out, Arguments(arguments.begin(), arguments.size()));
    steps_.push_back(step);
  };
  const LinkSettings& settings = *settings_;
  if (settings.password && settings.user) {
    say(Step::kAuth, {"AUTH", *settings.user, *settings.password});
  } else if (settings.password) {
    say(Step::kAuth, {"AUTH", *settings.password});
  }
  if (settings.database != 0) {
    say(Step::kSelect, {"SELECT", std::to_string(settings.database)});
  }
  say(Step::kName, {"CLIENT", "SETNAME", settings.name});
  if (settings.must_be_master) say(Step::kRole, {"ROLE"});
  if (settings.must_be_in_cluster) say(Step::kCluster, {"CLUSTER", "INFO"});
  for (const std::string& script : settings.scripts) {
    say(Step::kScript, {"SCRIPT", "LOAD", script});
  }
  // A server that is loading its data, or that lets nobody in, says so at the latest here.
  say(Step::kPing, {"PING"});
  return steps_.size();
}

std::string Greeting::on_reply(const Reply& reply) {
  const Step step = steps_[answered_++];
  if (step == Step::kName) return {};  // a courtesy; an ACL may forbid it
  if (reply.is_error()) return std::string(reply.error());
  if (step == Step::kRole) {
    const std::string* const role = reply.at(0).string();
    if (role == nullptr) return "unreadable answer to ROLE";
    if (*role != "master") return "not a master but a " + *role;
  }
  if (step == Step::kCluster) {
    const bool is_ok =
        reply.string() != nullptr && reply.string()->find("cluster_state:ok") != std::string::npos;
    if (!is_ok) return "the cluster is down";
  }
  if (step == Step::kScript) {
    if (reply.string() == nullptr) return "unreadable answer to SCRIPT LOAD";
    script_ids_.push_back(*reply.string());
  }
  return {};
}

}  // namespace sockhook::redis
