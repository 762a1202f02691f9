#include "protocol/webhook/webhook_answer.h"

#include <optional>
#include <utility>

#include "protocol/base/result.h"
#include "protocol/http/header_rules.h"
#include "protocol/webhook/error_frame.h"
#include "protocol/webhook/lambda_result.h"
#include "protocol/websocket/utf8.h"

namespace sockhook::webhook {

namespace {

constexpr std::string_view kProtocolHeader = "sec-websocket-protocol";

bool is_success(int status) { return status >= 200 && status <= 299; }
bool is_client_error(int status) { return status >= 400 && status <= 499; }

std::string status_text(int status) { return "status " + std::to_string(status); }

// ---- Bodies

// The media type without parameters, e.g. of "text/plain; charset=utf-8".
std::string_view media_type(const http::Headers& headers) {
  const std::string* value = headers.find("content-type");
  if (value == nullptr) return {};
  return http::trim(std::string_view(*value).substr(0, value->find(';')));
}

bool is_encoded(const http::Headers& headers) {
  for (std::string_view list : headers.find_all("content-encoding")) {
    while (const auto coding = http::next_list_element(list)) {
      if (!http::equals_ignoring_case(*coding, "identity")) return true;
    }
  }
  return false;
}

}  // namespace

std::string_view unreadable(const HttpAnswer& answer) {
  if (answer.is_body_lost) return "the body is too large or incomplete";
  if (!answer.body.empty() && is_encoded(answer.headers)) return "the body has a Content-Encoding";
  return {};
}

namespace {

std::vector<OutFrame> lines_of(std::string_view body) {
  std::vector<OutFrame> frames;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) frames.push_back({false, std::string(line)});
  }
  return frames;
}

using Frames = Result<std::vector<OutFrame>, std::string>;

Frames frames_of(std::string body, std::string_view type) {
  std::vector<OutFrame> frames;
  if (body.empty()) return frames;
  const bool is_binary = http::equals_ignoring_case(type, "application/octet-stream");
  if (!is_binary && !websocket::is_valid_utf8(body)) {
    return Failure{std::string("the body is no valid UTF-8")};
  }
  if (http::equals_ignoring_case(type, "application/x-ndjson")) return lines_of(body);
  frames.push_back({is_binary, std::move(body)});
  return frames;
}

// ---- Lambda's results

// The result that came in an answer with a 2xx status.
Result<LambdaResult, std::string> lambda_result(const HttpAnswer& answer) {
  if (answer.headers.contains("x-amz-function-error")) {
    return Failure{std::string("the function failed: X-Amz-Function-Error")};
  }
  if (const auto why = unreadable(answer); !why.empty()) return Failure{std::string(why)};
  return parse_lambda_result(answer.body);
}

// ---- Messages

MessageAnswer message_failure(std::string why) {
  MessageAnswer result;
  result.error = kInternalServerError;
  result.why = std::move(why);
  return result;
}

MessageAnswer events_message_answer(HttpAnswer answer) {
  const bool is_error = is_client_error(answer.status);
  if (!is_success(answer.status) && !is_error) return message_failure(status_text(answer.status));
  if (const auto why = unreadable(answer); !why.empty()) return message_failure(std::string(why));
  Frames frames = frames_of(std::move(answer.body), media_type(answer.headers));
  if (!frames) return message_failure(frames.error());

  MessageAnswer result;
  result.outcome = MessageAnswer::Outcome::kFrames;
  result.frames = std::move(*frames);
  result.effects = parse_effects(answer.headers, EffectsOf::kMessage);
  if (is_error && result.frames.empty()) {
    result.outcome = MessageAnswer::Outcome::kErrorFrame;
    // RFC 9110 15: an unknown 4xx is treated as 400. The backend's own phrase does not count.
    const std::string_view phrase = http::reason_phrase(answer.status);
    result.error = phrase.empty() ? http::reason_phrase(400) : phrase;
  }
  return result;
}

// statusCode is ignored: even a 500 with a body is an ordinary frame (A4).
MessageAnswer lambda_message_answer(const HttpAnswer& answer) {
  if (!is_success(answer.status)) return message_failure(status_text(answer.status));
  auto returned = lambda_result(answer);
  if (!returned) return message_failure(returned.error());
  MessageAnswer result;
  result.outcome = MessageAnswer::Outcome::kFrames;
  result.effects = parse_effects(returned->headers, EffectsOf::kMessage);
  if (!returned->body.empty()) {
    result.frames.push_back({returned->is_binary, std::move(returned->body)});
  }
  return result;
}

// ---- $connect

ConnectAnswer connect_failure(std::string why) {
  ConnectAnswer result;
  result.why = std::move(why);
  return result;
}

// A status that is no 2xx, passed through to the client.
ConnectAnswer refusal(HttpAnswer answer) {
  ConnectAnswer result;
  const bool is_refused_by_backend = answer.status >= 300 && answer.status <= 499;
  if (answer.status < 300 || answer.status > 599)
    return connect_failure(status_text(answer.status));
  if (answer.is_body_lost && !is_refused_by_backend) {
    return connect_failure(std::string(unreadable(answer)));
  }
  result.outcome = ConnectAnswer::Outcome::kRefused;
  result.is_refused_by_backend = is_refused_by_backend;
  result.status = answer.status;
  result.headers = http::end_to_end_answer(answer.headers);
  if (answer.is_body_lost) {
    result.headers.remove_if([](const http::Header& field) {
      return http::starts_with_ignoring_case(field.name, "content-");
    });
  } else {
    result.body = std::move(answer.body);
  }
  return result;
}

// nullopt: not what the client offered, or more than one.
std::optional<std::string> negotiated(const http::Headers& headers,
                                      const websocket::Subprotocols& offered) {
  const auto named = headers.find_all(kProtocolHeader);
  if (named.empty() || (named.size() == 1 && named.front().empty())) return std::string();
  if (named.size() > 1 || !websocket::is_offered(offered, named.front())) return std::nullopt;
  return std::string(named.front());
}

ConnectAnswer acceptance(const http::Headers& headers, std::vector<OutFrame> frames,
                         const websocket::Subprotocols& offered) {
  auto subprotocol = negotiated(headers, offered);
  if (!subprotocol) return connect_failure("the subprotocol was not offered");
  ConnectAnswer result;
  result.outcome = ConnectAnswer::Outcome::kAccepted;
  result.subprotocol = std::move(*subprotocol);
  for (const std::string_view cookie : headers.find_all("set-cookie")) {
    result.set_cookies.emplace_back(cookie);
  }
  result.frames = std::move(frames);
  result.effects = parse_effects(headers, EffectsOf::kConnect);
  return result;
}

ConnectAnswer events_connect_answer(HttpAnswer answer, const websocket::Subprotocols& offered) {
  if (const auto why = unreadable(answer); !why.empty()) return connect_failure(std::string(why));
  Frames frames = frames_of(std::move(answer.body), media_type(answer.headers));
  if (!frames) return connect_failure(frames.error());
  return acceptance(answer.headers, std::move(*frames), offered);
}

ConnectAnswer lambda_connect_answer(const HttpAnswer& answer,
                                    const websocket::Subprotocols& offered) {
  auto returned = lambda_result(answer);
  if (!returned) return connect_failure(returned.error());
  if (!returned->status) return connect_failure("the result has no statusCode");
  // An accepting answer's body is dropped, as API Gateway does.
  if (is_success(*returned->status)) return acceptance(returned->headers, {}, offered);
  return refusal({.status = *returned->status,
                  .headers = std::move(returned->headers),
                  .body = std::move(returned->body)});
}

}  // namespace

MessageAnswer interpret_message_answer(Format format, HttpAnswer answer) {
  return format == Format::kEvents ? events_message_answer(std::move(answer))
                                   : lambda_message_answer(answer);
}

ConnectAnswer interpret_connect_answer(Format format, HttpAnswer answer,
                                       const websocket::Subprotocols& offered) {
  if (!is_success(answer.status)) return refusal(std::move(answer));
  return format == Format::kEvents ? events_connect_answer(std::move(answer), offered)
                                   : lambda_connect_answer(answer, offered);
}

bool ends_disconnect_retries(int status) {
  if (status == 408 || status == 425 || status == 429) return false;
  return is_success(status) || is_client_error(status);
}

}  // namespace sockhook::webhook
