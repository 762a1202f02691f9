#include "conf/reader/addresses.h"

#include <sys/un.h>

#include <algorithm>
#include <limits>

#include "protocol/http/cidr.h"
#include "protocol/http/http_message.h"
#include "protocol/http/percent.h"
#include "protocol/http/target.h"

namespace sockhook::conf {
namespace {

constexpr std::size_t kMaxUnixPath = sizeof(sockaddr_un{}.sun_path) - 1;
constexpr std::size_t kMaxHostName = 253;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// A name that a resolver may be asked for, or a literal IPv4 address. Docker's names have `_`.
bool is_host_name(std::string_view host) {
  if (http::IpAddress::parse(host)) return host.find(':') == std::string_view::npos;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > kMaxHostName) return false;
  const std::size_t last_label = host.rfind('.') + 1;
  if (is_digit(host[last_label]) &&
      std::all_of(host.begin() + static_cast<std::ptrdiff_t>(last_label), host.end(), is_digit)) {
    return false;  // 256.1.1.1, 127.1
  }
  if (host.starts_with('.') || host.find("..") != std::string_view::npos) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
  });
}

Failure<std::string> failure(std::string_view what) { return {std::string(what)}; }

Scalar<uint16_t> parse_port(std::string_view text) {
  const Scalar<std::uint64_t> port = parse_integer(text);
  if (!port || *port < 1 || *port > std::numeric_limits<uint16_t>::max()) {
    return failure("has a port that is not 1 to 65535");
  }
  return static_cast<uint16_t>(*port);
}

std::optional<std::string> why_no_unix_path(std::string_view path) {
  if (!path.starts_with('/')) return "has no absolute path";
  if (path.size() > kMaxUnixPath) {
    return "has a path of more than " + std::to_string(kMaxUnixPath) + " bytes";
  }
  if (path.find('\0') != std::string_view::npos) return "has a NUL in its path";
  return std::nullopt;
}

// "[::1]:80" or "host:80" or "host".
struct Authority {
  std::string host;
  std::string_view port;
  bool has_port = false;
  bool has_brackets = false;
};
Scalar<Authority> split_authority(std::string_view text) {
  Authority authority;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return failure("has a [ without a ]");
    authority.host = text.substr(1, end - 1);
    authority.has_brackets = true;
    text.remove_prefix(end + 1);
    const auto address = http::IpAddress::parse(authority.host);
    if (!address || authority.host.find(':') == std::string::npos) {
      return failure("has no IPv6 address between [ and ]");
    }
    if (!text.empty() && !text.starts_with(':')) return failure("has something after the ]");
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    if (text.substr(colon).find(':', 1) != std::string_view::npos) {
      return failure("has an IPv6 address without [ and ]");
    }
    authority.host = text.substr(0, colon);
    text.remove_prefix(colon);
  }
  authority.has_port = text.starts_with(':');
  if (authority.has_port) authority.port = text.substr(1);
  return authority;
}

struct Url {
  std::string scheme;
  std::string_view userinfo;
  bool has_userinfo = false;
  std::string_view authority;
  std::string_view path;  // with query and fragment
};
std::optional<Url> split_url(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  Url url;
  url.scheme = http::to_lower(text.substr(0, end));
  text.remove_prefix(end + 3);
  const std::size_t slash = std::min(text.find_first_of("/?#"), text.size());
  url.authority = text.substr(0, slash);
  url.path = text.substr(slash);
  const std::size_t at = url.authority.rfind('@');
  if (at != std::string_view::npos) {
    url.has_userinfo = true;
    url.userinfo = url.authority.substr(0, at);
    url.authority.remove_prefix(at + 1);
  }
  return url;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

uint16_t default_port_of(bool https) { return https ? 443 : 80; }

// As the Host header says it (RFC 9110 7.2).
std::string written_authority(const HostPort& server, uint16_t default_port) {
  std::string authority = bracketed(server.host);
  if (server.port != default_port) authority += ":" + std::to_string(server.port);
  return authority;
}

std::optional<std::string> why_no_prefix(std::string_view path) {
  if (path.find('?') != std::string_view::npos) return "has a query";
  if (path.find('#') != std::string_view::npos) return "has a fragment";
  if (path.empty()) return std::nullopt;
  return why_no_request_path(path);
}

std::string without_trailing_slash(std::string_view path) {
  return std::string(path.ends_with('/') ? path.substr(0, path.size() - 1) : path);
}

}  // namespace

std::optional<std::string> why_no_request_path(std::string_view text) {
  if (!text.starts_with('/')) return "does not begin with /";
  for (const char c : text) {
    if (c <= ' ' || c > '~') return "has a character that must be percent-encoded";
    if (c == '#') return "has a fragment";
    if (std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos) {
      return std::string("has a ") + c + ", which must be percent-encoded";
    }
  }
  const http::Target target = http::split_target(text);
  if (!http::percent_decode(target.path) || !http::percent_decode(target.query)) {
    return "has a % that is not followed by two hex digits";
  }
  if (!http::plain_path(target.path)) return "has a . or .. or empty segment, %2F or %00";
  return std::nullopt;
}

Scalar<Address> parse_address(std::string_view text) {
  Address address;
  if (text.starts_with("unix:")) {
    text.remove_prefix(5);
    if (const auto reason = why_no_unix_path(text)) return failure(*reason);
    address.unix_path = text;
    return address;
  }
  const Scalar<Authority> authority = split_authority(text);
  if (!authority) return failure(authority.error());
  address.host = authority->host == "localhost" ? "127.0.0.1" : authority->host;
  if (!authority->has_port) return failure("has no port");
  if (address.host.empty()) return failure("has no host");
  if (!http::IpAddress::parse(address.host)) return failure("has no IP address");
  const Scalar<uint16_t> port = parse_port(authority->port);
  if (!port) return failure(port.error());
  address.port = *port;
  return address;
}

Scalar<HostPort> parse_host_port(std::string_view text, std::optional<uint16_t> default_port) {
  const Scalar<Authority> authority = split_authority(text);
  if (!authority) return failure(authority.error());
  if (authority->host.empty()) return failure("has no host");
  if (!authority->has_brackets && !is_host_name(authority->host)) {
    return failure("has an invalid host");
  }
  HostPort result{authority->host, default_port.value_or(0)};
  if (authority->has_port) {
    const Scalar<uint16_t> port = parse_port(authority->port);
    if (!port) return failure(port.error());
    result.port = *port;
  } else if (!default_port) {
    return failure("has no port");
  }
  return result;
}

Scalar<BackendUrl> parse_backend_url(std::string_view text) {
  const std::optional<Url> url = split_url(text);
  if (!url) return failure("is no URL");
  BackendUrl result;
  if (url->scheme != "http" && url->scheme != "https" && url->scheme != "http+unix") {
    return failure("has the unknown scheme " + url->scheme);
  }
  if (url->has_userinfo) return failure("has a user; credentials go into headers");
  if (const auto reason = why_no_prefix(url->path)) return failure(*reason);
  result.path_prefix = without_trailing_slash(url->path);
  if (url->scheme == "http+unix") {
    const std::optional<std::string> path = http::percent_decode(url->authority);
    if (!path) return failure("has a % that is not followed by two hex digits");
    if (const auto reason = why_no_unix_path(*path)) return failure(*reason);
    result.unix_path = *path;
    result.port = 0;
    result.authority = "localhost";
    return result;
  }
  result.https = url->scheme == "https";
  const uint16_t default_port = default_port_of(result.https);
  const Scalar<HostPort> server = parse_host_port(url->authority, default_port);
  if (!server) return failure(server.error());
  result.host = server->host;
  result.port = server->port;
  result.authority = written_authority(*server, default_port);
  return result;
}

Scalar<HttpUrl> parse_http_url(std::string_view text) {
  const std::optional<Url> url = split_url(text);
  if (!url || (url->scheme != "http" && url->scheme != "https")) {
    return failure("is no URL of http or https");
  }
  if (url->has_userinfo) return failure("has a user");
  HttpUrl result;
  result.https = url->scheme == "https";
  const uint16_t default_port = default_port_of(result.https);
  const Scalar<HostPort> server = parse_host_port(url->authority, default_port);
  if (!server) return failure(server.error());
  result.server = *server;
  result.authority = written_authority(*server, default_port);
  if (url->path.empty()) return result;
  if (const auto reason = why_no_request_path(url->path)) return failure(*reason);
  result.target = url->path;
  return result;
}

Scalar<Redis> parse_redis_url(std::string_view text) {
  const std::optional<Url> url = split_url(text);
  if (!url) return failure("is no URL");
  if (url->scheme != "redis" && url->scheme != "rediss") return failure("has an unknown scheme");
  Redis redis;
  redis.tls = url->scheme == "rediss";
  if (url->has_userinfo) {
    const std::size_t colon = std::min(url->userinfo.find(':'), url->userinfo.size());
    const auto user = http::percent_decode(url->userinfo.substr(0, colon));
    const auto password = http::percent_decode(
        colon < url->userinfo.size() ? url->userinfo.substr(colon + 1) : std::string_view());
    if (!user || !password) return failure("has a % that is not followed by two hex digits");
    if (!user->empty()) redis.user = *user;
    if (password->empty()) return failure("has a user without a password");
    redis.password = *password;
  }
  const Scalar<HostPort> server = parse_host_port(url->authority, uint16_t{6379});
  if (!server) return failure("has an invalid host or port");
  redis.server = *server;
  if (url->path.size() > 1) {
    const Scalar<std::uint64_t> database = parse_integer(url->path.substr(1));
    if (!database || *database > 65'535)
      return failure(
          "has something else than a database number "
          "after the /");
    redis.database = static_cast<unsigned>(*database);
  }
  return redis;
}

Scalar<std::string> parse_origin(std::string_view text) {
  if (text == "null") return std::string(text);
  if (text == "*") return failure("would allow any origin; leave the list empty for that");
  const std::optional<Url> url = split_url(text);
  if (!url) return failure("has no scheme");
  if (!is_letter(url->scheme.front()) ||
      !std::all_of(url->scheme.begin(), url->scheme.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
      })) {
    return failure("has an invalid scheme");
  }
  if (!url->path.empty()) return failure("has a path, which an origin never has");
  if (url->has_userinfo) return failure("has a user, which an origin never has");
  const bool has_wildcard = url->authority.starts_with("*.");
  const Scalar<HostPort> server =
      parse_host_port(url->authority.substr(has_wildcard ? 2 : 0), uint16_t{0});
  if (!server) {
    const bool has_star = url->authority.find('*', has_wildcard ? 2 : 0) != std::string_view::npos;
    return failure(has_star ? "has a * elsewhere than as the first label" : server.error());
  }
  const bool is_default_port = (url->scheme == "http" && server->port == 80) ||
                               (url->scheme == "https" && server->port == 443);
  std::string origin = url->scheme + "://" + (has_wildcard ? "*." : "");
  origin += http::to_lower(bracketed(server->host));
  if (server->port != 0 && !is_default_port) origin += ":" + std::to_string(server->port);
  return origin;
}

}  // namespace sockhook::conf
