#include "backplane/redis/sentinel_link.h"

#include <array>
#include <charconv>
#include <utility>

#include "proxy/observe/log.h"

namespace sockhook::redis {
namespace {

constexpr std::string_view kSwitchChannel = "+switch-master";

std::optional<conf::HostPort> read_address(std::string_view host, std::string_view port_text) {
  std::uint16_t port = 0;
  const auto read = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (host.empty() || read.ec != std::errc() || port == 0) return std::nullopt;
  return conf::HostPort{std::string(host), port};
}

// The next word, taken off the front.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return word;
}

}  // namespace

SentinelLink::SentinelLink(net::Loop& loop, Dialer& dialer, const conf::HostPort& sentinel,
                           const LinkSettings& settings, const std::string& master,
                           SentinelListener* listener)
    : master_(master),
      listener_(listener),
      commands_(loop, dialer, sentinel, settings, this),
      messages_(loop, dialer, sentinel, settings, SubscriberLink::Kind::kPlain, this) {}

void SentinelLink::start() {
  commands_.start();
  messages_.start();
  messages_.subscribe(kSwitchChannel);
}

void SentinelLink::stop() {
  commands_.stop();
  messages_.stop();
}

void SentinelLink::ask() {
  if (is_asked_ || !commands_.is_ready()) return;
  is_asked_ = true;
  const std::array<std::string_view, 3> question = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_};
  commands_.send(Command(), question);
}

void SentinelLink::set_opinion(std::optional<conf::HostPort> opinion) {
  if (opinion_ == opinion) return;
  opinion_ = std::move(opinion);
  listener_->on_opinion(*this);
}

void SentinelLink::on_answer(Command /*command*/, const Reply& reply) {
  is_asked_ = false;
  const std::string* const host = reply.at(0).string();
  const std::string* const port = reply.at(1).string();
  if (host != nullptr && port != nullptr) {
    set_opinion(read_address(*host, *port));
    return;
  }
  observe::LogLine(observe::Level::kWarn, "a sentinel does not know the master")
      .field("sentinel", commands_.server().host)
      .field("master", master_)
      .optional_field("reason", reply.error());
  set_opinion(std::nullopt);
}

void SentinelLink::on_unanswered(Command /*command*/) { is_asked_ = false; }

// What it said may be old by the time that it comes back.
void SentinelLink::on_commands_down(std::string_view /*reason*/) { opinion_.reset(); }

// What happened before was not heard.
void SentinelLink::on_heard(const std::string& /*channel*/) { ask(); }

void SentinelLink::on_refused(SubscriberLink& link, const std::string& /*channel*/,
                              const Reply& error) {
  link.break_off(error.error());
}

// "mymaster 10.0.0.1 6379 10.0.0.2 6379": name, old address, new address.
void SentinelLink::on_message(const std::string& /*channel*/, std::string_view payload) {
  if (take_word(payload) != master_) return;
  take_word(payload);
  take_word(payload);
  const std::string_view host = take_word(payload);
  const std::optional<conf::HostPort> address = read_address(host, take_word(payload));
  if (!address) return;
  opinion_ = address;
  listener_->on_switch(*this);
}

void SentinelLink::on_subscriber_down(std::string_view /*reason*/) {}

}  // namespace sockhook::redis
