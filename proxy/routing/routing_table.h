// RoutingTable: the Config's endpoints and routes, made ready for use: selection expressions
// compiled, the constant parts of webhook requests written.
//
// Immutable, shared by all threads as `std::shared_ptr<const ...>`; a connection keeps the Endpoint
// that it was accepted on for as long as it lives, whatever a later Config says.

#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.h"
#include "protocol/webhook/route_selector.h"
#include "protocol/webhook/signature.h"
#include "protocol/webhook/webhook_answer.h"
#include "protocol/webhook/webhook_request.h"

namespace sockhook::routing {

// One webhook route of an endpoint.
struct Route {
  conf::Route conf;
  std::string key;
  std::size_t ordinal = 0;                        // among all routes of the table
  std::vector<webhook::WebhookRequest> requests;  // one for each URL of the backend
};

struct Selection {
  const Route* route = nullptr;  // null: no route and no $default
  bool is_json = false;          // the endpoint selects by body, and the message parsed as JSON
};

class Endpoint {
 public:
  conf::Endpoint conf;
  std::size_t index = 0;  // in Config::endpoints
  const Route* connect = nullptr;
  const Route* disconnect = nullptr;

  // `payload` must be followed by websocket::kPayloadSlackBytes readable bytes.
  Selection select(std::string_view payload, bool is_binary, webhook::MessageParser& parser) const;

  webhook::Format format() const {
    return conf.format == conf::Format::kLambda ? webhook::Format::kLambda
                                                : webhook::Format::kEvents;
  }

 private:
  friend class RoutingTable;
  std::optional<webhook::RouteSelector> selector_;
  const Route* fallback_ = nullptr;
  std::map<std::string, const Route*, std::less<>> by_key_;
  std::vector<std::unique_ptr<Route>> routes_;
};

using EndpointPtr = std::shared_ptr<const Endpoint>;

class RoutingTable {
 public:
  explicit RoutingTable(const conf::Config& config);

  // The first endpoint whose path matches; null when none does. `path` is decoded and plain.
  EndpointPtr find(std::string_view path) const;
  // Null when there is none.
  EndpointPtr find_by_name(std::string_view name) const;

  const std::vector<EndpointPtr>& endpoints() const { return endpoints_; }
  const webhook::Signer& signer() const { return signer_; }
  std::size_t route_count() const { return route_count_; }

 private:
  EndpointPtr make_endpoint(const conf::Config& config, std::size_t index);
  const Route* add_route(const conf::Config& config, Endpoint& endpoint, const conf::Route& route);

  webhook::Signer signer_;
  std::vector<EndpointPtr> endpoints_;
  std::size_t route_count_ = 0;
};

}  // namespace sockhook::routing
