#include "backplane/redis/node_mail.h"

#include <charconv>
#include <string>
#include <utility>

namespace sockhook::backplane {
namespace {

constexpr std::size_t kMaxNumberChars = 24;  // with what stands around it

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
  publish_to_one(to, Kind::kMessage, payload, ticket);
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
  numbers_.clear();
  has_forgotten_ = false;
}

void NodeMail::publish_to_one(const NodeKey& to, Kind kind, std::string_view payload,
                              Ticket ticket) {
  const Shard shard = scope_.keys.home(to);
  const std::string node = node_text(to);
  if (!scope_.alive.contains(to.bytes)) {
    publish(Script::kSend, shard, node, kind, payload, ticket);
    return;
  }
  if (payload.size() > kMaxPayloadBytes) {
    refuse(ticket);
    return;
  }
  if (numbers_.size() >= kMaxPeers) numbers_.clear();
  const std::uint64_t number = ++numbers_[to.bytes];
  std::string message;
  message.reserve(scope_.node.size() + kMaxNumberChars + payload.size());
  message.append(scope_.node).append("=").append(std::to_string(number));
  message += static_cast<char>(kind);
  message.append(payload);
  const std::string channel = scope_.keys.channel(shard, node);
  const std::string_view command[] = {scope_.client.publish_command(), channel, message};
  ++last_command_;
  if (ticket != 0) under_way_.emplace(last_command_, UnderWay{shard, ticket, to, number});
  scope_.client.command(shard, command, last_command_, this);
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
  pass_on_forgotten(scope_, reply);
  if (found.empty()) return;
  const UnderWay& asked = found.mapped();
  const std::int64_t* const count = reply.integer();
  Dispatch dispatch;
  if (fate != redis::Fate::kAnswered || (reply.array() == nullptr && count == nullptr)) {
    const bool is_unknown = fate == redis::Fate::kUnknown;
    dispatch.result = is_unknown ? SendResult::kUnknown : SendResult::kUnavailable;
  } else if (count == nullptr) {
    take_script(asked, reply, dispatch);
  } else if (asked.number == 0) {  // of kIsUp
    if (*count > 0) dispatch.deaf.push_back(asked.receiver);
  } else if (*count > 0) {
    dispatch.reached.push_back(asked.receiver);
    remember(
        {asked.receiver, {asked.shard, true}, asked.number, asked.ticket, scope_.loop.now_ms()});
  } else {
    return ask_whether_up(asked);
  }
  scope_.listener->on_sent(asked.ticket, dispatch);
}

void NodeMail::take_script(const UnderWay& asked, const redis::Reply& reply, Dispatch& dispatch) {
  const std::size_t size = reply.array() == nullptr ? 0 : reply.array()->size();
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    const std::string* const text = reply.at(i).string();
    const std::int64_t* const number = reply.at(i + 1).integer();
    const auto node = text != nullptr ? parse_node(*text) : std::nullopt;
    if (!node || number == nullptr) continue;
    (*number > 0 ? dispatch.reached : dispatch.deaf).push_back(*node);
    if (*number <= 0) continue;
    remember({*node,
              {asked.shard, false},
              static_cast<std::uint64_t>(*number),
              asked.ticket,
              scope_.loop.now_ms()});
  }
}

// Nobody has heard it. It is not published again: what was sent behind it may have been heard.
void NodeMail::ask_whether_up(const UnderWay& asked) {
  const std::string up = scope_.keys.up(asked.shard);
  const std::string node = node_text(asked.receiver);
  const std::string_view keys[] = {up};
  const std::string_view arguments[] = {scope_.node, node};
  under_way_.emplace(++last_command_, UnderWay{asked.shard, asked.ticket, asked.receiver});
  scope_.run(asked.shard, Script::kIsUp, keys, arguments, last_command_, this);
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
  const bool is_senders = message.starts_with('=');
  if (is_senders) message.remove_prefix(1);
  const auto number = take_number(message);
  if (!number || message.empty()) return;
  note_number({shard, is_senders}, *sender, *number);
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

void NodeMail::note_number(const Series& series, const NodeKey& sender, std::uint64_t number) {
  if (heard_.size() >= kMaxPeers) {
    heard_.clear();
    has_forgotten_ = true;
  }
  const auto [last, is_new] = heard_.try_emplace({sender.bytes, series}, 0);
  const std::uint64_t expected = number > last->second ? last->second + 1 : 1;
  last->second = number;
  if (number > expected && !(is_new && has_forgotten_)) {
    tell_lost(series, sender, expected, number - 1);
  }
}

void NodeMail::tell_lost(const Series& series, const NodeKey& sender, std::uint64_t first,
                         std::uint64_t last) {
  const std::string report = (series.is_senders ? "=" : "") + std::to_string(series.shard) + ' ' +
                             std::to_string(first) + ' ' + std::to_string(last);
  publish_to_one(sender, Kind::kLost, report, 0);
}

void NodeMail::on_lost_report(const NodeKey& receiver, std::string_view report) {
  const bool is_senders = report.starts_with('=');
  if (is_senders) report.remove_prefix(1);
  const auto next = [&report] {
    const auto number = take_number(report);
    if (!report.empty()) report.remove_prefix(1);
    return number;
  };
  const auto shard = next();
  const auto first = next();
  const auto last = next();
  if (!last) return;
  const Series series{static_cast<Shard>(*shard), is_senders};
  std::vector<Ticket> lost;
  for (const Sent& sent : recent_) {
    if (sent.receiver == receiver && sent.series == series && sent.number >= *first &&
        sent.number <= *last) {
      lost.push_back(sent.ticket);
    }
  }
  for (const Ticket ticket : lost) scope_.listener->on_lost(ticket, receiver);
}

}  // namespace sockhook::backplane
