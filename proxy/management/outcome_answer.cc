#include "proxy/management/outcome_answer.h"

#include <optional>
#include <string>

#include "protocol/webhook/json_writer.h"
#include "protocol/webhook/timestamp.h"

namespace sockhook::management {
namespace {

using push::ConnectionInfo;
using push::Delivery;
using push::PushOutcome;

// Why a command for one connection did not reach it; nothing when it did.
std::optional<ApiError> failure_of(Delivery delivery) {
  switch (delivery) {
    case Delivery::kDone:
    case Delivery::kHeld:
      return {};
    case Delivery::kGone:
      return ApiError{ErrorCode::kGone, {}};
    case Delivery::kTooLarge:
      return ApiError{ErrorCode::kTooLarge, "the message is over the endpoint's message_size"};
    case Delivery::kSlow:
      return ApiError{ErrorCode::kSlowClient, "the message does not fit the client's queue"};
    case Delivery::kForbidden:
      return ApiError{ErrorCode::kForbidden, {}};
  }
  return {};
}

// {"name":"value","other":null}: writes members in their order.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  void end() { out_ += '}'; }

  std::string& member(std::string_view name) {
    if (std::exchange(has_members_, true)) out_ += ',';
    webhook::append_json_string(out_, name);
    out_ += ':';
    return out_;
  }
  void text(std::string_view name, std::string_view value) {
    webhook::append_json_string(member(name), value);
  }
  void text_or_null(std::string_view name, std::string_view value) {
    if (value.empty()) {
      member(name) += "null";
    } else {
      text(name, value);
    }
  }
  void number(std::string_view name, std::size_t value) { member(name) += std::to_string(value); }
  void texts(std::string_view name, const std::vector<std::string>& values) {
    char separator = '[';
    member(name);
    for (const std::string& value : values) {
      out_ += std::exchange(separator, ',');
      webhook::append_json_string(out_, value);
    }
    out_ += values.empty() ? "[]" : "]";
  }

 private:
  std::string& out_;
  bool has_members_ = false;
};

void write_connection(std::string& out, const ConnectionInfo& info) {
  ObjectWriter json(out);
  json.text("id", info.id);
  json.text("node", info.node);
  json.text("endpoint", info.endpoint);
  json.text_or_null("user", info.user);
  json.texts("groups", info.groups);
  json.text_or_null("connectedAt",
                    info.connected_at_ms ? webhook::rfc3339(*info.connected_at_ms) : "");
  json.text("lastActiveAt", webhook::rfc3339(info.last_active_at_ms));
  json.text_or_null("remoteAddress", info.remote_address);
  json.text_or_null("userAgent", info.user_agent);
  json.text_or_null("subprotocol", info.subprotocol);
  json.end();
}

}  // namespace

AnswerResult answer_sent(const PushOutcome& outcome, const AnswerContext&) {
  if (const auto error = failure_of(outcome.delivery)) return Failure{*error};
  if (outcome.delivery == Delivery::kHeld) return Answer{202, R"({"held": true})"};
  return Answer{200, "{}"};
}

AnswerResult answer_fan_out(const PushOutcome& outcome, const AnswerContext&) {
  Answer answer;
  ObjectWriter json(answer.body);
  json.number("delivered", outcome.delivered);
  json.number("failed", outcome.failed);
  json.texts("unknown", outcome.unknown_nodes);
  json.end();
  return answer;
}

AnswerResult answer_changed(const PushOutcome& outcome, const AnswerContext&) {
  if (const auto error = failure_of(outcome.delivery)) return Failure{*error};
  return Answer{204, {}};
}

AnswerResult answer_connection(const PushOutcome& outcome, const AnswerContext&) {
  if (const auto error = failure_of(outcome.delivery)) return Failure{*error};
  if (outcome.connections.empty()) return Failure{ApiError{ErrorCode::kGone, {}}};
  Answer answer;
  write_connection(answer.body, outcome.connections.front());
  return answer;
}

AnswerResult answer_list(const PushOutcome& outcome, const AnswerContext&) {
  Answer answer;
  ObjectWriter json(answer.body);
  char separator = '[';
  json.member("connections");
  for (const ConnectionInfo& info : outcome.connections) {
    answer.body += std::exchange(separator, ',');
    write_connection(answer.body, info);
  }
  answer.body += outcome.connections.empty() ? "[]" : "]";
  if (!outcome.next_cursor.empty()) json.text("cursor", outcome.next_cursor);
  json.end();
  return answer;
}

AnswerResult answer_group(const PushOutcome& outcome, const AnswerContext& context) {
  Answer answer;
  ObjectWriter json(answer.body);
  json.text("group", context.subject);
  json.number("count", outcome.count);
  json.end();
  return answer;
}

AnswerResult answer_user(const PushOutcome& outcome, const AnswerContext& context) {
  Answer answer;
  ObjectWriter json(answer.body);
  json.text("user", context.subject);
  json.member("online") += outcome.connection_ids.empty() ? "false" : "true";
  json.texts("connections", outcome.connection_ids);
  json.end();
  return answer;
}

Answer answer_submitted() { return Answer{202, "{}"}; }

AnswerResult answer_aws_sent(const PushOutcome& outcome, const AnswerContext&) {
  if (const auto error = failure_of(outcome.delivery)) return Failure{*error};
  return Answer{200, {}};
}

AnswerResult answer_aws_connection(const PushOutcome& outcome, const AnswerContext&) {
  if (const auto error = failure_of(outcome.delivery)) return Failure{*error};
  if (outcome.connections.empty()) return Failure{ApiError{ErrorCode::kGone, {}}};
  const ConnectionInfo& info = outcome.connections.front();
  Answer answer;
  ObjectWriter json(answer.body);
  json.text("connectedAt", webhook::rfc3339(info.connected_at_ms.value_or(info.handshake_at_ms)));
  ObjectWriter identity(json.member("identity"));
  identity.text("sourceIp", info.remote_address);
  identity.text("userAgent", info.user_agent);
  identity.end();
  json.text("lastActiveAt", webhook::rfc3339(info.last_active_at_ms));
  json.end();
  return answer;
}

ApiError to_error(push::RouteFailure failure) {
  switch (failure) {
    case push::RouteFailure::kOverloaded:
      return {ErrorCode::kOverloaded, "nothing was done"};
    case push::RouteFailure::kUnavailable:
      return {ErrorCode::kUnavailable, "a node that may hold the target cannot be asked now"};
    case push::RouteFailure::kTimedOut:
      break;
  }
  return {ErrorCode::kTimedOut, "a node that holds the target did not answer: outcome unknown"};
}

}  // namespace sockhook::management
