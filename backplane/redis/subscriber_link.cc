#include "backplane/redis/subscriber_link.h"

#include <array>
#include <utility>

namespace sockhook::redis {

SubscriberLink::SubscriberLink(net::Loop& loop, Dialer& dialer, conf::HostPort server,
                               const LinkSettings& settings, Kind kind, SubscriberLinkOwner* owner)
    : link_(loop, dialer, std::move(server), settings, "messages", this),
      kind_(kind),
      owner_(owner) {}

bool SubscriberLink::is_heard(std::string_view channel) const {
  const auto found = channels_.find(channel);
  return found != channels_.end() && found->second == Channel::kHeard;
}

void SubscriberLink::subscribe(std::string_view channel) {
  const auto [entry, is_new] = channels_.try_emplace(std::string(channel), Channel::kSilent);
  if (!is_new || !is_ready()) return;
  entry->second = Channel::kAsked;
  ask(true, entry->first);
}

void SubscriberLink::unsubscribe(std::string_view channel) {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return;
  if (is_ready() && found->second != Channel::kSilent) ask(false, found->first);
  channels_.erase(found);
}

void SubscriberLink::retry() {
  if (!is_ready()) return;
  for (auto& [channel, state] : channels_) {
    if (state != Channel::kSilent) continue;
    state = Channel::kAsked;
    ask(true, channel);
  }
}

void SubscriberLink::ask(bool is_subscribe, const std::string& channel) {
  static constexpr std::string_view kNames[2][2] = {{"UNSUBSCRIBE", "SUBSCRIBE"},
                                                    {"SUNSUBSCRIBE", "SSUBSCRIBE"}};
  const std::string_view name = kNames[kind_ == Kind::kSharded ? 1 : 0][is_subscribe ? 1 : 0];
  const std::array<std::string_view, 2> arguments = {name, channel};
  link_.send(arguments);
  requests_.push_back({is_subscribe, channel});
}

void SubscriberLink::on_link_ready() {
  retry();
  owner_->on_subscriber_up();
}

bool SubscriberLink::on_link_reply(Reply& reply) {
  if (reply.is_error()) return on_error(reply);
  const std::string* const kind = reply.at(0).string();
  const std::string* const channel = reply.at(1).string();
  if (kind == nullptr || channel == nullptr) {
    link_.break_off("neither a message nor a confirmation");
    return false;
  }
  if (*kind != "message" && *kind != "smessage") return on_confirmation(*kind, *channel);
  const std::string* const payload = reply.at(2).string();
  if (payload != nullptr && channels_.contains(*channel)) owner_->on_message(*channel, *payload);
  return false;
}

// True if it was asked for.
bool SubscriberLink::on_confirmation(std::string_view kind, const std::string& channel) {
  const bool is_subscribe = kind == "subscribe" || kind == "ssubscribe";
  const bool was_asked = !requests_.empty() && requests_.front().channel == channel &&
                         requests_.front().is_subscribe == is_subscribe;
  if (was_asked) requests_.pop_front();
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return was_asked;
  if (is_subscribe) {
    found->second = Channel::kHeard;
    owner_->on_heard(channel);
  } else if (!was_asked) {
    found->second = Channel::kSilent;
    owner_->on_refused(*this, channel, Reply());
  }
  return was_asked;
}

bool SubscriberLink::on_error(const Reply& reply) {
  if (requests_.empty()) {
    link_.break_off(reply.error());
    return false;
  }
  const Request request = std::move(requests_.front());
  requests_.pop_front();
  const auto found = channels_.find(request.channel);
  if (request.is_subscribe && found != channels_.end()) {
    found->second = Channel::kSilent;
    owner_->on_refused(*this, request.channel, reply);
  }
  return true;
}

void SubscriberLink::on_link_down(std::string_view reason) {
  requests_.clear();
  for (auto& [channel, state] : channels_) state = Channel::kSilent;
  owner_->on_subscriber_down(reason);
}

}  // namespace sockhook::redis
