#include "backplane/redis/operation_stream.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "backplane/redis/operation_script.h"
#include "proxy/observe/log.h"

namespace sockhook::redis {

using observe::Level;
using observe::LogLine;

namespace {

constexpr Shard kShard = 0;
constexpr std::string_view kRead = "read";
constexpr std::string_view kJoin = "join";
constexpr std::string_view kLeave = "leave";
constexpr std::size_t kTextsPerEntry = 5;

// One command is under way at a time; the ticket tells which.
constexpr Ticket kScriptTicket = 1;
constexpr Ticket kWaitTicket = 2;

std::uint64_t to_number(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string_view text_of(const Reply& reply) {
  const std::string* text = reply.string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

std::uint64_t number_of(const Reply& reply) {
  const std::int64_t* number = reply.integer();
  return number == nullptr || *number < 0 ? 0 : static_cast<std::uint64_t>(*number);
}

}  // namespace

OperationStream::OperationStream(net::Loop& loop, const conf::Redis& conf, std::string node,
                                 std::size_t max_op_bytes, OperationStreamListener* listener)
    : loop_(loop),
      node_(std::move(node)),
      lease_ms_(static_cast<std::uint64_t>(conf.lease.count())),
      max_op_bytes_(max_op_bytes),
      listener_(listener),
      stream_(conf.prefix + ":" + RedisClient::tag(kShard) + ":operations"),
      outcomes_(conf.prefix + ":" + RedisClient::tag(kShard) + ":outcomes:"),
      client_(loop, conf, {operation_script()}, "sockhook-operations", this) {}

bool OperationStream::is_valid_reply(std::string_view name) {
  constexpr std::size_t kMaxBytes = 128;
  const auto is_valid = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxBytes &&
         std::all_of(name.begin(), name.end(), is_valid);
}

std::optional<OperationStream::EntryId> OperationStream::parse_id(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return {};
  return EntryId{to_number(text.substr(0, dash)), to_number(text.substr(dash + 1))};
}

std::size_t OperationStream::room() const {
  if (is_retired_ || bytes_under_way_ >= kWindowBytes) return 0;
  return std::min(kPollEntries, kWindow - under_way_.size());
}

std::uint64_t OperationStream::lag_ms() const {
  if (under_way_.empty()) return 0;
  const std::uint64_t now_ms = loop_.now_ms() + redis_ahead_ms_;
  const std::uint64_t added_ms = under_way_.begin()->first.ms;
  return now_ms > added_ms ? now_ms - added_ms : 0;
}

void OperationStream::start() {
  state_ = State::kDown;
  client_.start();
}

void OperationStream::retire() {
  is_retired_ = true;
  loop_.soon().arm(soon_);
}

void OperationStream::stop() {
  is_stopping_ = true;
  is_retired_ = true;
  lease_alarm_.cancel();
  if (!is_busy()) poll();
}

void OperationStream::finish(const std::string& entry, std::optional<OperationOutcome> outcome) {
  give_back(entry);
  finished_.push_back({entry, std::move(outcome)});
}

void OperationStream::give_back(const std::string& entry) {
  const auto id = parse_id(entry);
  const auto found = id ? under_way_.find(*id) : under_way_.end();
  if (found != under_way_.end()) {
    bytes_under_way_ -= found->second;
    under_way_.erase(found);
  }
  loop_.soon().arm(soon_);
}

// Sends what is to be said to the stream now; called in any state in which nothing is under way.
void OperationStream::poll() {
  alarm_.cancel();
  soon_.cancel();
  if (!client_.is_up(kShard)) {
    if (is_stopping_) return client_.stop();
    return rest(State::kDown, kRetryMs);
  }
  const bool is_leaving = is_stopping_ || (is_retired_ && under_way_.empty());
  if (is_leaving && !is_reader_ && finished_.empty()) {
    if (is_stopping_) return client_.stop();
    return rest(State::kStandby, lease_ms_);
  }
  send_script(is_leaving ? kLeave : is_reader_ ? kRead : kJoin);
}

void OperationStream::send_script(std::string_view mode) {
  const std::string lock = stream_ + ":lock";
  std::vector<std::string> owned = {std::to_string(lease_ms_),     std::to_string(kStreamMs),
                                    std::to_string(room()),        std::to_string(kPollBytes),
                                    std::to_string(max_op_bytes_), std::to_string(kOutcomes),
                                    std::to_string(kOutcomesMs)};
  std::vector<std::string_view> arguments = {node_,    mode,     owned[0], owned[1], after_,
                                             owned[2], owned[3], owned[4], owned[5], owned[6]};
  std::vector<std::string> outcome_keys;
  std::vector<std::string> statuses;
  outcome_keys.reserve(finished_.size());
  statuses.reserve(finished_.size());
  for (const Finished& finished : finished_) {
    const auto& outcome = finished.outcome;
    statuses.push_back(outcome ? std::to_string(outcome->status) : std::string());
    arguments.insert(arguments.end(), {finished.entry, statuses.back(),
                                       outcome ? std::string_view(outcome->body) : ""});
    if (outcome) outcome_keys.push_back(outcomes_ + outcome->reply);
  }
  std::vector<std::string_view> keys = {stream_, lock};
  keys.insert(keys.end(), outcome_keys.begin(), outcome_keys.end());
  acknowledging_ = finished_.size();
  asked_ = room();
  is_outdated_ = false;
  polled_ms_ = loop_.now_ms();
  state_ = State::kPolling;
  client_.run_script(kShard, 0, keys, arguments, kScriptTicket, this);
}

void OperationStream::wait_for_entries() {
  const std::string block = std::to_string(std::min(kBlockMs, lease_ms_ / 3));
  const std::string_view command[] = {"XREAD", "COUNT",   "1",     "BLOCK",
                                      block,   "STREAMS", stream_, last_entry_};
  state_ = State::kWaiting;
  client_.command(kShard, command, kWaitTicket, this);
}

void OperationStream::rest(State state, std::uint64_t ms) {
  state_ = state;
  loop_.deadlines().arm(alarm_, ms);
}

void OperationStream::on_up() {
  if (state_ == State::kDown) poll();
}

void OperationStream::on_deadline(net::Deadline& deadline) {
  if (&deadline == &lease_alarm_) return withdraw();
  poll();
}

void OperationStream::on_soon(net::Soon&) {
  if (!is_busy() && !is_stopping_) poll();
}

void OperationStream::on_reply(Ticket ticket, Fate fate, const Reply& reply) {
  if (fate != Fate::kAnswered || reply.is_error()) {
    fail(fate, reply);
  } else if (ticket == kWaitTicket) {
    take_wait(reply);
  } else {
    reported_.clear();
    take_poll(reply);
  }
}

void OperationStream::take_wait(const Reply& reply) {
  // What it shows is read by the script; only that it is there counts.
  const std::string_view entry = text_of(reply.at(0).at(1).at(0).at(0));
  if (!entry.empty()) last_entry_ = entry;
  poll();
}

void OperationStream::take_poll(const Reply& reply) {
  finished_.erase(finished_.begin(),
                  finished_.begin() + static_cast<std::ptrdiff_t>(acknowledging_));
  acknowledging_ = 0;
  const std::string_view what = text_of(reply.at(0));
  if (what == "held") {
    withdraw();
    return rest(State::kStandby, std::clamp(number_of(reply.at(2)), kRestMs, lease_ms_ / 3));
  }
  if (what != "reading") {  // lost, left
    withdraw();
    state_ = State::kStandby;
    return poll();
  }
  if (!std::exchange(is_reader_, true)) LogLine(Level::kInfo, "reading the stream of operations");
  if (is_stopping_) return poll();
  const std::uint64_t since_ms = loop_.now_ms() - polled_ms_;
  loop_.deadlines().arm(lease_alarm_, lease_ms_ > since_ms ? lease_ms_ - since_ms : 0);
  if (is_outdated_) return poll();  // what it has read is pending, behind what was withdrawn
  entries_left_ = number_of(reply.at(1));
  redis_ahead_ms_ = number_of(reply.at(2)) - loop_.now_ms();
  after_ = text_of(reply.at(3));
  state_ = State::kResting;
  const bool is_full = take_entries(reply.at(4));
  if (entries_left_ == 0) last_entry_ = "0";  // ids may begin anew
  if (is_full || !finished_.empty() || (is_retired_ && under_way_.empty())) return poll();
  if (!under_way_.empty()) return rest(State::kResting, kRestMs);
  wait_for_entries();
}

// True if there may be more where these come from.
bool OperationStream::take_entries(const Reply& entries) {
  static const Reply::Array kNone;
  const Reply::Array& texts = entries.array() == nullptr ? kNone : *entries.array();
  std::vector<StreamedOperation> operations;
  std::size_t read_bytes = 0;
  for (std::size_t i = 0; i + kTextsPerEntry <= texts.size(); i += kTextsPerEntry) {
    StreamedOperation operation;
    operation.entry = text_of(texts[i]);
    const auto id = parse_id(operation.entry);
    const std::string_view kind = text_of(texts[i + 1]);
    if (kind == "op") operation.op = text_of(texts[i + 2]);
    operation.is_oversized = kind == "large";
    operation.key = text_of(texts[i + 3]);
    operation.reply = text_of(texts[i + 4]);
    const std::size_t bytes = text_of(texts[i + 2]).size();
    read_bytes += bytes;
    // One that is pending and was handed over before comes again after a failure.
    if (!id || !under_way_.emplace(*id, bytes).second) continue;
    bytes_under_way_ += bytes;
    if (const auto last = parse_id(last_entry_); !last || *last < *id) {
      last_entry_ = operation.entry;
    }
    operations.push_back(std::move(operation));
  }
  if (!operations.empty()) listener_->on_operations(std::move(operations));
  return asked_ > 0 && (texts.size() >= asked_ * kTextsPerEntry || read_bytes >= kPollBytes);
}

void OperationStream::fail(Fate fate, const Reply& reply) {
  acknowledging_ = 0;
  after_ = "0";  // what was read meanwhile, and not heard of, is pending
  if (fate == Fate::kAnswered && reported_ != reply.error()) {
    reported_ = reply.error();
    LogLine(Level::kError, "the stream of operations cannot be read").field("reason", reported_);
  }
  if (is_stopping_) return client_.stop();
  rest(State::kDown, kRetryMs);
}

void OperationStream::withdraw() {
  lease_alarm_.cancel();
  if (!std::exchange(is_reader_, false)) return;
  after_ = "0";
  is_outdated_ = true;
  under_way_.clear();
  bytes_under_way_ = 0;
  entries_left_ = 0;
  LogLine(Level::kInfo, "no longer reading the stream of operations");
  if (!is_stopping_) listener_->on_withdrawn();
}

void OperationStream::on_stopped() {
  state_ = State::kStopped;
  alarm_.cancel();
  lease_alarm_.cancel();
  soon_.cancel();
  listener_->on_stopped();
}

}  // namespace sockhook::redis
