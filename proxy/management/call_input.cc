#include "proxy/management/call_input.h"

#include <charconv>
#include <utility>

#include "protocol/http/percent.h"
#include "protocol/http/target.h"
#include "protocol/webhook/names.h"
#include "protocol/websocket/close_code.h"
#include "protocol/websocket/utf8.h"

namespace sockhook::management {

using webhook::ConnectionId;
using webhook::ConnectionIdError;

void CallInput::fail(ErrorCode code, std::string detail) {
  if (!error_) error_ = ApiError{code, std::move(detail)};
}

ConnectionId CallInput::connection_id() {
  const std::string& text = request_.path_parameters.back();
  const auto id = ConnectionId::parse(text);
  if (id) return *id;
  if (id.error() == ConnectionIdError::kMalformed) {
    fail(ErrorCode::kInvalidConnectionId, "Invalid connectionId: " + text);
  } else {
    fail(ErrorCode::kGone, {});
  }
  return {};
}

std::string CallInput::name(std::size_t index) {
  const std::string& name = request_.path_parameters[index];
  if (!webhook::is_valid_name(name)) {
    fail(ErrorCode::kInvalidName, "a name has 1 to 128 bytes of UTF-8 without control characters");
  }
  return name;
}

std::optional<std::string> CallInput::parameter(std::string_view name) {
  std::optional<std::string> value;
  http::QueryCursor cursor(request_.query);
  while (const auto found = cursor.next()) {
    if (http::decode_query_component(found->name) != name) continue;
    if (value) fail(ErrorCode::kBadRequest, std::string(name) + " stands twice");
    value = http::decode_query_component(found->value);
    if (!value) {
      fail(ErrorCode::kBadRequest, std::string(name) + " has a malformed escape");
      return {};
    }
  }
  return value;
}

std::optional<std::uint32_t> CallInput::number(std::string_view name) {
  const std::optional<std::string> text = parameter(name);
  if (!text) return {};
  std::uint32_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stopped, problem] = std::from_chars(text->data(), end, value);
  if (problem != std::errc{} || stopped != end) {
    fail(ErrorCode::kBadRequest, std::string(name) + " is not a number");
    return {};
  }
  return value;
}

std::string CallInput::name_filter(std::string_view parameter_name) {
  const std::optional<std::string> name = parameter(parameter_name);
  if (name && !webhook::is_valid_name(*name)) {
    fail(ErrorCode::kInvalidName, std::string(parameter_name) +
                                      ": a name has 1 to 128 bytes of UTF-8 without control "
                                      "characters");
  }
  return name.value_or("");
}

std::string CallInput::endpoint() {
  const std::optional<std::string> endpoint = parameter("endpoint");
  if (!endpoint) return {};
  // An empty name would widen a broadcast to every endpoint where a variable was left unset.
  if (endpoint->empty()) fail(ErrorCode::kBadRequest, "endpoint is empty");
  if (!caller_.reaches(*endpoint)) {
    fail(ErrorCode::kForbidden, "the token does not reach this endpoint");
  }
  return *endpoint;
}

std::string CallInput::cursor() { return parameter("cursor").value_or(""); }

std::size_t CallInput::limit() {
  constexpr std::uint32_t kDefault = 100;
  constexpr std::uint32_t kMax = 1000;
  const std::uint32_t limit = number("limit").value_or(kDefault);
  if (limit < 1 || limit > kMax) fail(ErrorCode::kBadRequest, "limit is from 1 to 1000");
  return limit;
}

std::uint16_t CallInput::close_code() {
  constexpr std::uint32_t kMax = 4999;
  const std::uint32_t code = number("code").value_or(websocket::close_code::kNormal);
  if (code > kMax || !websocket::is_valid_close_code(static_cast<std::uint16_t>(code))) {
    fail(ErrorCode::kBadRequest, "code is from 1000-1003, 1007-1014 or 3000-4999");
    return websocket::close_code::kNormal;
  }
  return static_cast<std::uint16_t>(code);
}

std::string CallInput::close_reason() {
  std::string reason = parameter("reason").value_or("");
  if (reason.size() > kMaxReasonBytes || !websocket::is_valid_utf8(reason)) {
    fail(ErrorCode::kBadRequest, "reason has at most 123 bytes of UTF-8");
  }
  return reason;
}

bool CallInput::is_awaited() {
  const std::optional<std::string> wait = parameter("wait");
  if (wait && *wait != "none") fail(ErrorCode::kBadRequest, "wait is \"none\" or absent");
  return !wait;
}

push::ExcludedIds CallInput::excluded() {
  std::unordered_set<ConnectionId> ids;
  std::size_t count = 0;
  const auto add = [&](std::string_view text) {
    ++count;
    // One that is malformed names no connection, like one that is gone.
    if (const auto id = ConnectionId::parse(text); id && count <= kMaxExcluded) ids.insert(*id);
  };
  http::QueryCursor cursor(request_.query);
  while (const auto found = cursor.next()) {
    if (http::decode_query_component(found->name) != "exclude") continue;
    const std::optional<std::string> value = http::decode_query_component(found->value);
    if (!value) {
      fail(ErrorCode::kBadRequest, "exclude has a malformed escape");
      return {};
    }
    std::string_view list = *value;
    while (const auto id = http::next_list_element(list)) add(*id);
  }
  for (const std::string& id : request_.excluded) add(id);
  if (count > kMaxExcluded) fail(ErrorCode::kBadRequest, "exclude takes up to 1000 ids");
  if (ids.empty()) return {};
  return std::make_shared<const std::unordered_set<ConnectionId>>(std::move(ids));
}

websocket::SharedFrame CallInput::frame() {
  const bool wants_text = request_.payload_kind != PayloadKind::kBinary;
  const bool is_text = wants_text && websocket::is_valid_utf8(request_.payload);
  if (request_.payload_kind == PayloadKind::kText && !is_text) {
    fail(ErrorCode::kInvalidText, "a text message is UTF-8; application/octet-stream is binary");
  }
  if (error_) return {};
  return websocket::encode_frame(is_text ? websocket::Opcode::kText : websocket::Opcode::kBinary,
                                 request_.payload);
}

}  // namespace sockhook::management
