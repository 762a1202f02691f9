#include "backplane/redis/command_link.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sockhook::redis {
namespace {

bool is_useless_server(const Reply& reply) {
  return reply.is_error("READONLY") || reply.is_error("LOADING") || reply.is_error("MASTERDOWN") ||
         reply.is_error("CLUSTERDOWN");
}

}  // namespace

CommandLink::CommandLink(net::Loop& loop, Dialer& dialer, conf::HostPort server,
                         const LinkSettings& settings, CommandLinkOwner* owner)
    : link_(loop, dialer, std::move(server), settings, "commands", this),
      settings_(settings),
      owner_(owner) {}

void CommandLink::send(Command command, Arguments arguments) {
  link_.send(arguments);
  pending_.push_back({Asker::kOwner, std::move(command)});
}

void CommandLink::send_encoded(Command command) {
  if (command.is_detour) {
    static constexpr std::array<std::string_view, 1> kAsking = {"ASKING"};
    link_.send(kAsking);
    pending_.push_back({Asker::kAsking, {}});
  }
  link_.send_encoded(command.encoded);
  pending_.push_back({Asker::kOwner, std::move(command)});
}

bool CommandLink::on_link_reply(Reply& reply) {
  if (pending_.empty()) {
    link_.break_off("an answer that nobody asked for");
    return false;
  }
  Pending answered = std::move(pending_.front());
  pending_.pop_front();
  if (answered.asker == Asker::kScripts) {
    --loading_;
  } else if (answered.asker == Asker::kOwner) {
    if (reply.is_error("NOSCRIPT")) load_scripts();
    owner_->on_answer(std::move(answered.command), reply);
  }
  if (is_useless_server(reply)) link_.break_off(reply.error());
  return true;
}

void CommandLink::load_scripts() {
  if (loading_ > 0) return;
  for (const std::string& script : settings_.scripts) {
    const std::array<std::string_view, 3> load = {"SCRIPT", "LOAD", script};
    link_.send(load);
    pending_.push_back({Asker::kScripts, {}});
    ++loading_;
  }
}

void CommandLink::on_link_down(std::string_view reason) {
  loading_ = 0;
  std::deque<Pending> unanswered;
  unanswered.swap(pending_);
  for (Pending& pending : unanswered) {
    if (pending.asker == Asker::kOwner) owner_->on_unanswered(std::move(pending.command));
  }
  owner_->on_commands_down(reason);
}

}  // namespace sockhook::redis
