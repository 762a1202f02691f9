// The Config that most tests start from: one backend "app", one endpoint "chat" on /chat with all
// of its lifecycle routes and one more, "shout", selected by the message's "action".

#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "conf/config.h"

namespace sockhook::testing {

inline conf::Route route_to(std::string key, std::string path) {
  conf::Route route;
  route.key = std::move(key);
  route.path = std::move(path);
  return route;
}

inline conf::BackendUrl url_of_port(uint16_t port) {
  conf::BackendUrl url;
  url.host = "127.0.0.1";
  url.port = port;
  url.authority = "127.0.0.1:" + std::to_string(port);
  return url;
}

inline conf::Config chat_config(uint16_t backend_port = 9) {
  conf::Config config;
  conf::Backend backend;
  backend.name = "app";
  backend.urls = {url_of_port(backend_port)};
  config.backends = {backend};
  conf::Endpoint endpoint;
  endpoint.name = "chat";
  endpoint.path.path = "/chat";
  endpoint.select = "$request.body.action";
  endpoint.routes.connect = route_to("$connect", "/connect");
  endpoint.routes.disconnect = route_to("$disconnect", "/disconnect");
  endpoint.routes.fallback = route_to("$default", "/message");
  endpoint.routes.by_key.emplace("shout", route_to("shout", "/shout"));
  config.endpoints = {endpoint};
  return config;
}

}  // namespace sockhook::testing
