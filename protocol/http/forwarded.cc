#include "protocol/http/forwarded.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sockhook::http {

namespace {

bool is_trusted(const IpAddress& address, const std::vector<Cidr>& trusted) {
  return std::any_of(trusted.begin(), trusted.end(),
                     [&](const Cidr& cidr) { return cidr.contains(address); });
}

// "192.0.2.1", "192.0.2.1:8080", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:8080".
std::optional<IpAddress> parse_hop(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return std::nullopt;
    return IpAddress::parse(text.substr(1, end - 1));
  }
  if (std::count(text.begin(), text.end(), ':') == 1) text = text.substr(0, text.find(':'));
  return IpAddress::parse(text);
}

// Takes the last element off the end of a comma-separated list; empty ones are malformed hops.
std::string_view take_last(std::string_view& list) {
  const std::size_t comma = list.rfind(',');
  if (comma == std::string_view::npos) return trim(std::exchange(list, {}));
  const std::string_view last = trim(list.substr(comma + 1));
  list = list.substr(0, comma);
  return last;
}

IpAddress client_address(const IpAddress& peer, const Headers& headers,
                         const std::vector<Cidr>& trusted) {
  IpAddress client = peer;
  const std::vector<std::string_view> lines = headers.find_all("x-forwarded-for");
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    std::string_view list = *line;
    while (!list.empty()) {
      const std::optional<IpAddress> hop = parse_hop(take_last(list));
      if (!hop) return client;
      client = *hop;
      if (!is_trusted(client, trusted)) return client;
    }
  }
  return client;
}

std::string_view last_value(const Headers& headers, std::string_view name) {
  const std::vector<std::string_view> lines = headers.find_all(name);
  if (lines.empty()) return {};
  std::string_view list = lines.back();
  return take_last(list);
}

}  // namespace

Forwarded resolve_forwarded(const IpAddress& peer, const Headers& headers,
                            const std::vector<Cidr>& trusted, std::string_view proto) {
  const std::string* const host = headers.find("host");
  Forwarded result{peer, std::string(proto), host == nullptr ? std::string() : *host};
  if (!is_trusted(peer, trusted)) return result;

  result.client = client_address(peer, headers, trusted);
  const std::string told_proto = to_lower(last_value(headers, "x-forwarded-proto"));
  if (told_proto == "http" || told_proto == "https") result.proto = told_proto;
  const std::string_view told_host = last_value(headers, "x-forwarded-host");
  if (!told_host.empty()) result.host = told_host;
  return result;
}

}  // namespace sockhook::http
