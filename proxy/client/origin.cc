#include "proxy/client/origin.h"

#include "protocol/http/http_message.h"

namespace sockhook::client {
namespace {

struct Origin {
  std::string scheme;
  std::string host;
  std::string port;
};

Origin parse(std::string_view text) {
  Origin origin;
  const std::string lower = http::to_lower(text);
  const std::size_t colon = lower.find("://");
  if (colon == std::string::npos) return {"", lower, ""};
  origin.scheme = lower.substr(0, colon);
  std::string rest = lower.substr(colon + 3);
  const std::size_t port = rest.rfind(':');
  if (port != std::string::npos && rest.find(']', port) == std::string::npos) {
    origin.port = rest.substr(port + 1);
    rest.resize(port);
  }
  if (origin.port.empty()) origin.port = origin.scheme == "https" ? "443" : "80";
  origin.host = std::move(rest);
  return origin;
}

bool matches(const Origin& origin, const Origin& pattern) {
  if (origin.scheme != pattern.scheme || origin.port != pattern.port) return false;
  if (!pattern.host.starts_with("*.")) return origin.host == pattern.host;
  const std::string_view suffix = std::string_view(pattern.host).substr(1);  // ".example.com"
  return origin.host.size() > suffix.size() && origin.host.ends_with(suffix) &&
         origin.host.front() != '.';
}

}  // namespace

bool is_origin_allowed(std::string_view origin, const std::vector<std::string>& allowed) {
  if (allowed.empty()) return true;
  const Origin asked = parse(origin);
  for (const std::string& pattern : allowed) {
    if (matches(asked, parse(pattern))) return true;
  }
  return false;
}

}  // namespace sockhook::client
