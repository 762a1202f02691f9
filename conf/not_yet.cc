#include "conf/not_yet.h"

#include "conf/reader/cursor.h"

namespace sockhook::conf {
namespace {

using Paths = std::vector<std::string>;

Paths path_if(bool is_used, const char* path) { return is_used ? Paths{path} : Paths{}; }

Paths routes_with_batches(const Config& config) {
  Paths paths;
  for (std::size_t i = 0; i < config.endpoints.size(); ++i) {
    const Routes& routes = config.endpoints[i].routes;
    const std::string parent = item_path("endpoints", i) + ".routes";
    const auto add = [&](const Route& route) {
      if (route.batch_max > 1) paths.push_back(child_path(parent, route.key) + ".batch.max");
    };
    if (routes.fallback) add(*routes.fallback);
    for (const auto& [key, route] : routes.by_key) add(route);
  }
  return paths;
}

struct Row {
  const char* capability;
  const char* allowed;  // meanwhile
  Paths (*find)(const Config&);
};

constexpr Row kNotServedYet[] = {
    {"a batch", "1", routes_with_batches},
    {"tracing", "off", [](const Config& c) { return path_if(c.tracing.has_value(), "tracing"); }},
};

}  // namespace

std::vector<NotServed> find_not_served(const Config& config) {
  std::vector<NotServed> found;
  for (const Row& row : kNotServedYet) {
    for (std::string& path : row.find(config)) {
      found.push_back(
          {std::move(path), std::string(row.capability) +
                                " is not served by this version yet; allowed: " + row.allowed});
    }
  }
  return found;
}

}  // namespace sockhook::conf
