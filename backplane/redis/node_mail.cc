#include "backplane/redis/node_mail.h"

#include <charconv>
#include <string>
#include <utility>

namespace sockhook::backplane {
namespace {

// Takes a number off the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

void NodeMail::send(const NodeKey& to, std::string_view payload, Ticket ticket) {
  publish(Script::kSend, scope_.keys.home(to), node_text(to), Kind::kMessage, payload, ticket);
}

void NodeMail::send_to_name(const Name& name, std::string_view payload, Ticket ticket) {
  const Shard shard = scope_.keys.shard_of(name);
  publish(Script::kSendName, shard, scope_.keys.name(shard, name), Kind::kMessage, payload, ticket);
}

void NodeMail::send_to_all(std::string_view payload, Ticket ticket) {
  const Shard shard = scope_.keys.home(scope_.self.key);
  publish(Script::kSendAll, shard, {}, Kind::kMessage, payload, ticket);
}

void NodeMail::restart() {
  recent_.clear();
  heard_.clear();
  has_forgotten_ = false;
}

// `target`: a node, the key of a name, or nothing, as the script needs it.
void NodeMail::publish(Script script, Shard shard, const std::string& target, Kind kind,
                       std::string_view payload, Ticket ticket) {
  if (payload.size() > kMaxPayloadBytes) {
    refuse(ticket);
    return;
  }
  const std::string dead = scope_.keys.dead(shard, scope_.node);
  const std::string up = scope_.keys.up(shard);
  const std::string numbers = scope_.keys.numbers(shard, scope_.node);
  const std::string channels = scope_.keys.channels(shard);
  const char kind_letter = static_cast<char>(kind);
  std::vector<std::string_view> keys{dead, up, numbers};
  std::vector<std::string_view> arguments{
      scope_.node, scope_.client.publish_command(), channels, {&kind_letter, 1}, payload};
  if (script == Script::kSend) arguments.push_back(target);
  if (script == Script::kSendName) keys.push_back(target);
  ++last_command_;
  if (ticket != 0) under_way_.emplace(last_command_, UnderWay{shard, ticket});
  scope_.run(shard, script, keys, arguments, last_command_, this);
}

void NodeMail::refuse(Ticket ticket) {
  if (ticket == 0) return;
  refused_.push_back(ticket);
  scope_.loop.soon().arm(soon_);
}

void NodeMail::on_soon(net::Soon&) {
  for (const Ticket ticket : std::exchange(refused_, {})) {
    scope_.listener->on_sent(ticket, {SendResult::kUnavailable, {}, {}});
  }
}

void NodeMail::on_reply(redis::Ticket command, redis::Fate fate, const redis::Reply& reply) {
  const auto found = under_way_.extract(command);
  pass_on_fence(scope_, reply);
  if (found.empty()) return;
  const UnderWay& asked = found.mapped();
  Dispatch dispatch;
  if (fate != redis::Fate::kAnswered || reply.array() == nullptr) {
    const bool is_unknown = fate == redis::Fate::kUnknown;
    dispatch.result = is_unknown ? SendResult::kUnknown : SendResult::kUnavailable;
  } else {
    const std::size_t size = reply.array()->size();
    for (std::size_t i = 0; i + 1 < size; i += 2) {
      const std::string* const text = reply.at(i).string();
      const std::int64_t* const number = reply.at(i + 1).integer();
      const auto node = text != nullptr ? parse_node(*text) : std::nullopt;
      if (!node || number == nullptr) continue;
      (*number > 0 ? dispatch.reached : dispatch.deaf).push_back(*node);
      if (*number <= 0) continue;
      remember({*node, asked.shard, static_cast<std::uint64_t>(*number), asked.ticket,
                scope_.loop.now_ms()});
    }
  }
  scope_.listener->on_sent(asked.ticket, dispatch);
}

void NodeMail::remember(const Sent& sent) {
  const auto is_old = [&](const Sent& old) { return old.sent_ms + kRecentMs < sent.sent_ms; };
  while (!recent_.empty() && (is_old(recent_.front()) || recent_.size() >= kMaxRecent)) {
    recent_.pop_front();
  }
  recent_.push_back(sent);
}

void NodeMail::on_message(Shard shard, std::string_view message) {
  const auto sender = parse_node(message.substr(0, kNodeChars));
  if (!sender) return;
  message.remove_prefix(kNodeChars);
  const auto number = take_number(message);
  if (!number || message.empty()) return;
  note_number(shard, *sender, *number);
  const std::string_view payload = message.substr(1);
  switch (static_cast<Kind>(message.front())) {
    case Kind::kMessage:
      scope_.listener->on_message(*sender, payload);
      break;
    case Kind::kLost:
      on_lost_report(*sender, payload);
      break;
  }
}

void NodeMail::note_number(Shard shard, const NodeKey& sender, std::uint64_t number) {
  if (heard_.size() >= kMaxPeers) {
    heard_.clear();
    has_forgotten_ = true;
  }
  const auto [last, is_new] = heard_.try_emplace({sender.bytes, shard}, 0);
  const std::uint64_t expected = number > last->second ? last->second + 1 : 1;
  last->second = number;
  if (number > expected && !(is_new && has_forgotten_)) {
    tell_lost(shard, sender, expected, number - 1);
  }
}

void NodeMail::tell_lost(Shard shard, const NodeKey& sender, std::uint64_t first,
                         std::uint64_t last) {
  const std::string report =
      std::to_string(shard) + ' ' + std::to_string(first) + ' ' + std::to_string(last);
  publish(Script::kSend, scope_.keys.home(sender), node_text(sender), Kind::kLost, report, 0);
}

void NodeMail::on_lost_report(const NodeKey& receiver, std::string_view report) {
  const auto next = [&report] {
    const auto number = take_number(report);
    if (!report.empty()) report.remove_prefix(1);
    return number;
  };
  const auto shard = next();
  const auto first = next();
  const auto last = next();
  if (!last) return;
  std::vector<Ticket> lost;
  for (const Sent& sent : recent_) {
    if (sent.receiver == receiver && sent.shard == *shard && sent.number >= *first &&
        sent.number <= *last) {
      lost.push_back(sent.ticket);
    }
  }
  for (const Ticket ticket : lost) scope_.listener->on_lost(ticket, receiver);
}

}  // namespace sockhook::backplane
