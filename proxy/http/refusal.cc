#include "proxy/http/refusal.h"

#include <string_view>

namespace sockhook::http {

namespace {

const char* code_of(int status) {
  switch (status) {
    case 405:
      return "method_not_allowed";
    case 408:
      return "request_timeout";
    case 414:
      return "target_too_long";
    case 417:
      return "expectation_failed";
    case 431:
      return "headers_too_large";
    case 501:
      return "unknown_method";
    case 505:
      return "http_version";
    default:
      return "malformed_request";
  }
}

// A string literal of JSON; what would need an escape becomes a space.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) result += c >= 0x20 && c < 0x7F && c != '"' && c != '\\' ? c : ' ';
  return result + '"';
}

}  // namespace

Refusal make_refusal(int status, const char* reason) {
  Refusal refusal;
  refusal.headers.add("Content-Type", "application/problem+json");
  if (status == 405) refusal.headers.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  refusal.body = "{\"type\":\"about:blank\",\"title\":" + quoted(reason_phrase(status)) +
                 ",\"status\":" + std::to_string(status) + ",\"code\":" + quoted(code_of(status)) +
                 ",\"detail\":" + quoted(reason) + "}";
  return refusal;
}

}  // namespace sockhook::http
