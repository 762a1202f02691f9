#include "proxy/routing/routing_table.h"

#include "protocol/base/check.h"
#include "protocol/http/target.h"
#include "proxy/routing/version.h"

namespace sockhook::routing {

Selection Endpoint::select(std::string_view payload, bool is_binary,
                           webhook::MessageParser& parser) const {
  if (!selector_ || is_binary) return {fallback_, false};
  const webhook::Selection selected = selector_->select(payload, parser);
  Selection selection{fallback_, selected.is_json};
  if (selected.key) {
    const auto route = by_key_.find(*selected.key);
    if (route != by_key_.end()) selection.route = route->second;
  }
  return selection;
}

RoutingTable::RoutingTable(const conf::Config& config) : signer_(config.signing.secrets) {
  for (std::size_t i = 0; i < config.endpoints.size(); ++i) {
    endpoints_.push_back(make_endpoint(config, i));
  }
}

EndpointPtr RoutingTable::make_endpoint(const conf::Config& config, std::size_t index) {
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->conf = config.endpoints[index];
  endpoint->index = index;
  const conf::Routes& routes = endpoint->conf.routes;
  if (endpoint->conf.select) {
    auto compiled = webhook::RouteSelector::compile(*endpoint->conf.select);
    SOCKHOOK_CHECK(compiled.has_value());  // the config reader has compiled it before
    endpoint->selector_ = std::move(*compiled);
  }
  if (routes.connect) endpoint->connect = add_route(config, *endpoint, *routes.connect);
  if (routes.disconnect) endpoint->disconnect = add_route(config, *endpoint, *routes.disconnect);
  if (routes.fallback) endpoint->fallback_ = add_route(config, *endpoint, *routes.fallback);
  for (const auto& [key, route] : routes.by_key) {
    endpoint->by_key_.emplace(key, add_route(config, *endpoint, route));
  }
  return endpoint;
}

const Route* RoutingTable::add_route(const conf::Config& config, Endpoint& endpoint,
                                     const conf::Route& route) {
  auto added = std::make_unique<Route>();
  added->conf = route;
  added->key = route.key;
  added->ordinal = route_count_++;
  const conf::Backend& backend = config.backends[route.backend];
  http::Headers configured;
  for (const conf::Header& header : backend.headers) configured.add(header.name, header.value);
  for (const conf::BackendUrl& url : backend.urls) {
    added->requests.emplace_back(http::join_paths(url.path_prefix, route.path), url.authority,
                                 configured, kUserAgent);
  }
  return endpoint.routes_.emplace_back(std::move(added)).get();
}

EndpointPtr RoutingTable::find(std::string_view path) const {
  for (const EndpointPtr& endpoint : endpoints_) {
    if (endpoint->conf.path.matches(path)) return endpoint;
  }
  return nullptr;
}

EndpointPtr RoutingTable::find_by_name(std::string_view name) const {
  for (const EndpointPtr& endpoint : endpoints_) {
    if (endpoint->conf.name == name) return endpoint;
  }
  return nullptr;
}

}  // namespace sockhook::routing
