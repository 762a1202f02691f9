#include "backplane/redis/redis_link.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/base/check.h"
#include "proxy/observe/log.h"

namespace sockhook::redis {
namespace {

using observe::Level;
using observe::LogLine;

bool is_pong(const Reply& reply) {
  const std::string* const text = reply.string();
  if (text != nullptr) return *text == "PONG";
  const std::string* const kind = reply.at(0).string();  // on a link that has subscribed
  return kind != nullptr && *kind == "pong";
}

std::string describe(const net::Stream& stream, int error) {
  if (!stream.failure().empty()) return std::string(stream.failure());
  return error == 0 ? "closed by the server" : uv_strerror(error);
}

}  // namespace

RedisLink::RedisLink(net::Loop& loop, Dialer& dialer, conf::HostPort server,
                     const LinkSettings& settings, const char* kind, RedisLinkOwner* owner)
    : loop_(loop),
      dialer_(dialer),
      server_(std::move(server)),
      settings_(settings),
      kind_(kind),
      owner_(owner),
      greeting_(settings) {}

RedisLink::~RedisLink() { SOCKHOOK_CHECK(is_stopped()); }

// ---- what the owner asks

void RedisLink::start() {
  SOCKHOOK_CHECK(is_stopped());
  is_stopping_ = false;
  state_ = State::kResting;
  loop_.soon().arm(soon_);
}

void RedisLink::stop() {
  is_stopping_ = true;
  if (!is_stopped()) close("stopped", 0);
}

void RedisLink::reconnect() {
  if (is_stopped()) return;
  close("to be rebuilt", 0);
  back_off_.reset();
}

void RedisLink::use_server(conf::HostPort server) {
  if (server == server_) return;
  server_ = std::move(server);
  resolver_.reset();
}

void RedisLink::break_off(std::string_view reason) {
  if (is_talking()) fail(reason);
}

bool RedisLink::has_room(std::size_t bytes) const {
  return unanswered_.size() < kMaxUnanswered && unanswered_bytes_ + bytes <= kMaxUnansweredBytes;
}

void RedisLink::send(Arguments arguments) {
  SOCKHOOK_CHECK(is_ready());
  const std::size_t before = output_.size();
  append_command(output_, arguments);
  expect(Asker::kOwner, output_.size() - before);
}

void RedisLink::send_encoded(std::string_view command) {
  SOCKHOOK_CHECK(is_ready());
  output_.append(command);
  expect(Asker::kOwner, command.size());
}

// ---- the way to a connection

void RedisLink::attempt() {
  state_ = State::kResolving;
  loop_.deadlines().arm(alarm_, kConnectMs);
  addresses_.clear();
  const net::SocketAddress literal = net::SocketAddress::ip(server_.host, server_.port);
  if (!literal.is_none()) {
    addresses_.push_back(literal);
    connect_next();
    return;
  }
  // One that is busy still answers the question of an attempt before.
  net::ResolveListener* const listener = this;
  if (!resolver_) resolver_ = std::make_unique<net::Resolver>(loop_, listener);
  resolver_->resolve(server_.host, server_.port);
}

void RedisLink::on_resolved(int error, std::vector<net::SocketAddress> addresses) {
  if (state_ != State::kResolving) return;
  no_connection_ = error != 0 ? uv_strerror(error) : "the name has no address";
  addresses_ = std::move(addresses);
  addresses_.resize(std::min(addresses_.size(), kMaxAddresses));
  std::reverse(addresses_.begin(), addresses_.end());
  connect_next();
}

void RedisLink::connect_next() {
  state_ = State::kConnecting;
  if (addresses_.empty()) {
    fail(no_connection_);
    return;
  }
  const net::SocketAddress address = addresses_.back();
  addresses_.pop_back();
  stream_ = dialer_.make(address, server_.host, this);
  if (!stream_) {
    fail(dialer_.failure());
    return;
  }
  loop_.deadlines().arm(alarm_, kConnectMs);
  const int error = stream_->connect(address, this);
  if (error != 0) on_connected(error);
}

void RedisLink::on_connected(int error) {
  if (state_ != State::kConnecting) return;
  if (error != 0) {
    give_address_up(describe(*stream_, error));
  } else {
    greet();
  }
}

// on_closed tries the next one.
void RedisLink::give_address_up(std::string_view reason) {
  no_connection_ = reason;
  alarm_.cancel();
  stream_->close();
}

void RedisLink::greet() {
  state_ = State::kGreeting;
  alarm_.cancel();
  reader_ = std::make_unique<ReplyReader>();
  greeting_ = Greeting(settings_);
  stream_->start_reading();
  for (std::size_t left = greeting_.write(output_); left > 0; --left) expect(Asker::kGreeting, 0);
}

// ---- talking

void RedisLink::expect(Asker asker, std::size_t bytes) {
  const std::uint64_t due_ms = loop_.now_ms() + kCommandMs;
  unanswered_.push_back({asker, due_ms, bytes});
  unanswered_bytes_ += bytes;
  if (!alarm_.is_armed() || alarm_.due_ms() > due_ms) loop_.deadlines().arm(alarm_, kCommandMs);
  loop_.soon().arm(soon_);
}

void RedisLink::answered() {
  unanswered_bytes_ -= unanswered_.front().bytes;
  unanswered_.pop_front();
}

void RedisLink::on_read(std::string_view data) {
  if (!is_talking()) return;
  heard_ms_ = loop_.now_ms();
  reader_->feed(data);
  while (is_talking()) {
    std::optional<Reply> reply = reader_->next();
    if (!reply) break;
    take(*reply);
  }
  if (is_talking() && !reader_->error().empty()) fail(reader_->error());
}

void RedisLink::take(Reply& reply) {
  if (state_ == State::kGreeting) {
    take_greeting(reply);
    return;
  }
  const bool is_ping = !unanswered_.empty() && unanswered_.front().asker == Asker::kPing;
  if (is_ping && reply.is_error()) {
    fail(reply.error());
    return;
  }
  const bool is_answer = (is_ping && is_pong(reply)) || owner_->on_link_reply(reply);
  if (is_answer && is_ready()) answered();
}

void RedisLink::take_greeting(const Reply& reply) {
  if (unanswered_.empty()) {
    fail("an answer that nobody asked for");
    return;
  }
  answered();
  const std::string mistake = greeting_.on_reply(reply);
  if (!mistake.empty()) {
    fail(mistake);
    return;
  }
  if (!greeting_.is_done()) return;
  state_ = State::kReady;
  ready_ms_ = loop_.now_ms();
  reported_reason_.clear();
  script_ids_ = std::move(greeting_.script_ids());
  LogLine(Level::kInfo, "redis link up")
      .field("server", server_.host + ':' + std::to_string(server_.port))
      .field("link", kind_);
  owner_->on_link_ready();
}

// ---- deadlines

void RedisLink::on_deadline(net::Deadline& /*deadline*/) {
  switch (state_) {
    case State::kResting:
      attempt();
      return;
    case State::kResolving:
    case State::kConnecting:
      fail("no connection in time");
      return;
    case State::kGreeting:
    case State::kReady:
      check_liveness();
      return;
    case State::kStopped:
    case State::kClosing:
      return;
  }
}

void RedisLink::check_liveness() {
  const std::uint64_t now_ms = loop_.now_ms();
  const bool is_late = !unanswered_.empty() && now_ms >= unanswered_.front().due_ms;
  if (is_late && (is_overdue_ || now_ms < unanswered_.front().due_ms + kLateMs)) {
    fail("no answer in time");
    return;
  }
  is_overdue_ = is_late;
  if (is_late) {
    loop_.deadlines().arm(alarm_, net::DeadlineWheel::kTickMs);
    return;
  }
  if (unanswered_.empty() && now_ms >= heard_ms_ + kPingMs) ping();
  const std::uint64_t next_ms =
      unanswered_.empty() ? heard_ms_ + kPingMs : unanswered_.front().due_ms;
  loop_.deadlines().arm(alarm_, next_ms - now_ms);
}

void RedisLink::ping() {
  static constexpr std::array<std::string_view, 1> kPing = {"PING"};
  append_command(output_, kPing);
  expect(Asker::kPing, 0);
}

// ---- the end of a connection

void RedisLink::on_end(int error) {
  if (is_talking()) fail(describe(*stream_, error));
}

void RedisLink::fail(std::string_view reason) {
  const bool was_stable = is_ready() && loop_.now_ms() >= ready_ms_ + kStableMs;
  if (was_stable) back_off_.reset();
  close(reason, back_off_.next_ms());
}

void RedisLink::close(std::string_view reason, std::uint64_t rest_ms) {
  rest_ms_ = rest_ms;
  if (state_ == State::kClosing) return;
  if (!is_stopping_ && state_ != State::kResting) report(reason, is_ready());
  state_ = State::kClosing;
  alarm_.cancel();
  soon_.cancel();
  is_overdue_ = false;
  output_.clear();
  unanswered_.clear();
  unanswered_bytes_ = 0;
  if (stream_) {
    stream_->close();
  } else {
    loop_.soon().arm(soon_);
  }
  owner_->on_link_down(reason);
}

// Each failure once, not each attempt that fails likewise.
void RedisLink::report(std::string_view reason, bool was_ready) {
  if (!was_ready && reason == reported_reason_) return;
  reported_reason_ = reason;
  LogLine(Level::kWarn, was_ready ? "redis link lost" : "redis link failed")
      .field("server", server_.host + ':' + std::to_string(server_.port))
      .field("link", kind_)
      .field("reason", reason);
}

void RedisLink::on_closed() {
  stream_.reset();
  if (state_ == State::kConnecting) {
    connect_next();
  } else {
    become_closed();
  }
}

void RedisLink::become_closed() {
  if (is_stopping_) {
    state_ = State::kStopped;
    owner_->on_link_stopped();
    return;
  }
  state_ = State::kResting;
  if (rest_ms_ == 0) {
    loop_.soon().arm(soon_);
  } else {
    loop_.deadlines().arm(alarm_, rest_ms_);
  }
}

void RedisLink::on_soon(net::Soon& /*soon*/) {
  switch (state_) {
    case State::kResting:
      attempt();
      return;
    case State::kClosing:
      become_closed();
      return;
    case State::kGreeting:
    case State::kReady:
      stream_->write(output_);
      output_.clear();
      return;
    case State::kStopped:
    case State::kResolving:
    case State::kConnecting:
      return;
  }
}

}  // namespace sockhook::redis
