// passthrough, and the webhook paths that it must not open to clients (contract 4.5)

#include <algorithm>
#include <utility>

#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"
#include "protocol/http/cidr.h"
#include "protocol/http/http_message.h"
#include "protocol/http/target.h"

namespace sockhook::conf {
namespace {

// Two spellings of one address count as one: localhost, 127.0.0.1 and [::1].
std::string socket_of(const BackendUrl& url) {
  if (url.is_unix()) return "unix:" + url.unix_path;
  const auto address = http::IpAddress::parse(url.host);
  const bool is_local =
      http::to_lower(url.host) == "localhost" || (address && address->is_loopback());
  return (is_local ? "localhost" : http::to_lower(url.host)) + ":" + std::to_string(url.port);
}

bool share_an_address(const Backend& a, const Backend& b) {
  return std::any_of(a.urls.begin(), a.urls.end(), [&](const BackendUrl& first) {
    return std::any_of(b.urls.begin(), b.urls.end(), [&](const BackendUrl& second) {
      return socket_of(first) == socket_of(second);
    });
  });
}

std::string path_on(const Backend& backend, std::string_view path) {
  const std::string prefix = backend.urls.empty() ? "" : backend.urls.front().path_prefix;
  return http::comparison_path(http::join_paths(prefix, http::split_target(path).path));
}

template <typename Visit>
void for_each_route(const Routes& routes, Visit visit) {
  for (const auto* route : {&routes.connect, &routes.disconnect, &routes.fallback}) {
    if (*route) visit(**route);
  }
  for (const auto& [key, route] : routes.by_key) visit(route);
}

}  // namespace

void read_passthrough(const Cursor& cursor, Config* config) {
  if (!cursor.is_given()) return;
  Section section(cursor, "a map with backend");
  const Cursor name = section["backend"];
  if (cursor.is_map()) name.require(allowed_backends(config->backends));
  const std::optional<std::size_t> index = read_backend_name(name, config->backends);
  config->passthrough.emplace();
  if (!index) return;
  config->passthrough->backend = *index;

  const Backend& target = config->backends[*index];
  const std::string root = path_on(target, "/");
  std::vector<std::string>& paths = config->passthrough->webhook_paths;
  for (std::size_t i = 0; i < config->endpoints.size(); ++i) {
    const std::string endpoint_path = "endpoints[" + std::to_string(i) + "].routes";
    for_each_route(config->endpoints[i].routes, [&](const Route& route) {
      if (route.path.empty() || !share_an_address(config->backend_of(route), target)) return;
      std::string path = path_on(config->backend_of(route), route.path);
      if (path == root) {
        const std::string key = child_path(endpoint_path, route.key);
        cursor.reading().mistake(
            cursor.reading().place_of(key), key,
            quote(route.path) + " is the root of a backend that passthrough " +
                "opens to clients; allowed: a path of its own for the webhook, " +
                "such as /hooks, or another backend");
      }
      paths.push_back(std::move(path));
    });
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
}

}  // namespace sockhook::conf
