#include "protocol/http/header_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace sockhook::http {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view other) { return equals_ignoring_case(name, other); });
}

constexpr auto kHopByHop = std::to_array<std::string_view>(
    {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization",
     "te", "trailer", "transfer-encoding", "upgrade"});

constexpr auto kNotOnConnect = std::to_array<std::string_view>(
    {"accept-encoding", "expect", "range", "x-real-ip", "true-client-ip"});

constexpr auto kNotInTrailers = std::to_array<std::string_view>(
    {"host", "authorization", "cookie", "set-cookie", "cache-control", "expect", "max-forwards",
     "range", "age", "date", "expires", "location", "retry-after", "vary", "warning",
     "www-authenticate"});

// Backends that hand headers over as environment variables see X_NAME where X-Name was meant.
bool has_prefix(std::string_view name, std::string_view prefix_with_hyphens) {
  if (name.size() < prefix_with_hyphens.size()) return false;
  std::string start(name.substr(0, prefix_with_hyphens.size()));
  std::replace(start.begin(), start.end(), '_', '-');
  return equals_ignoring_case(start, prefix_with_hyphens);
}

bool goes_with_connect(std::string_view name, ConnectFormat format) {
  if (name.find('_') != std::string_view::npos) return false;
  if (is_hop_by_hop(name) || is_reserved(name) || is_forwarded(name)) return false;
  if (is_one_of(name, kNotOnConnect)) return false;
  if (has_prefix(name, "content-") || has_prefix(name, "if-")) return false;
  if (format == ConnectFormat::kLambda) return true;
  if (has_prefix(name, "sec-websocket-")) {
    return equals_ignoring_case(name, "sec-websocket-protocol");
  }
  return !equals_ignoring_case(name, "host");
}

}  // namespace

bool is_hop_by_hop(std::string_view name) { return is_one_of(name, kHopByHop); }

void remove_hop_by_hop(Headers& headers) {
  std::vector<std::string> named;
  for (const std::string_view value : headers.find_all("connection")) {
    std::string_view list = value;
    while (const auto element = next_list_element(list)) named.emplace_back(*element);
  }
  headers.remove_if([&](const Header& field) {
    if (is_hop_by_hop(field.name)) return true;
    return std::any_of(named.begin(), named.end(), [&](const std::string& name) {
      return equals_ignoring_case(name, field.name);
    });
  });
}

bool is_reserved(std::string_view name) {
  return has_prefix(name, "ce-") || has_prefix(name, "sockhook-") || has_prefix(name, "webhook-");
}

void remove_reserved(Headers& headers) {
  headers.remove_if([](const Header& field) { return is_reserved(field.name); });
}

bool is_forwarded(std::string_view name) {
  return equals_ignoring_case(name, "forwarded") || has_prefix(name, "x-forwarded-");
}

Headers connect_headers(const Headers& handshake, ConnectFormat format) {
  Headers result = handshake;
  remove_hop_by_hop(result);
  result.remove_if([&](const Header& field) { return !goes_with_connect(field.name, format); });
  return result;
}

Headers end_to_end_answer(const Headers& answer) {
  Headers result = answer;
  remove_hop_by_hop(result);
  result.remove_if([](const Header& field) {
    return has_prefix(field.name, "sockhook-") ||
           equals_ignoring_case(field.name, "content-length");
  });
  return result;
}

void remove_forbidden_trailers(Headers& trailers) {
  trailers.remove_if([](const Header& field) {
    return is_hop_by_hop(field.name) || is_one_of(field.name, kNotInTrailers) ||
           has_prefix(field.name, "content-") || has_prefix(field.name, "if-") ||
           is_reserved(field.name) || is_forwarded(field.name);
  });
}

}  // namespace sockhook::http
