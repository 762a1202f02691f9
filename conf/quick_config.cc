#include "conf/quick_config.h"

#include "conf/reader/addresses.h"
#include "conf/reader/cursor.h"
#include "protocol/http/target.h"

namespace sockhook::conf {
namespace {

// The whole path and query of the URL is the route, so that nothing is put behind it.
std::string route_path(std::string_view url) {
  const std::size_t authority = url.find("://") + 3;
  const std::size_t path = url.find_first_of("/?", authority);
  if (path == std::string_view::npos) return "/";
  const std::string rest(url.substr(path));
  return rest.front() == '?' ? "/" + rest : rest;
}

}  // namespace

Result<Config, std::string> quick_config(std::string_view url) {
  const std::string_view without_query = url.substr(0, url.find('?'));
  Scalar<BackendUrl> parsed = parse_backend_url(without_query);
  std::string wrong;
  if (!parsed) {
    wrong = parsed.error();
  } else if (const auto reason = why_no_request_path(route_path(url))) {
    wrong = *reason;
  }
  if (!wrong.empty()) {
    const bool has_user = url.find('@') != std::string_view::npos;
    return Failure{(has_user ? wrong : quote(url) + " " + wrong) +
                   "; allowed: " + std::string(kBackendUrlAllowed)};
  }
  parsed->path_prefix.clear();

  Config config;
  Backend backend;
  backend.name = "backend";
  backend.urls = {*parsed};
  Route route;
  route.path = route_path(url);
  route.timeout = backend.timeout;
  Endpoint endpoint;
  endpoint.name = "all";
  endpoint.path = {"/", true};
  route.key = "$connect";
  endpoint.routes.connect = route;
  route.key = "$disconnect";
  endpoint.routes.disconnect = route;
  route.key = "$default";
  endpoint.routes.fallback = route;
  config.backends.push_back(std::move(backend));
  config.endpoints.push_back(std::move(endpoint));
  return config;
}

}  // namespace sockhook::conf
