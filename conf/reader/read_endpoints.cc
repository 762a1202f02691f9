// lambda, endpoints

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "conf/reader/addresses.h"
#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"
#include "protocol/http/http_message.h"
#include "protocol/http/target.h"
#include "protocol/webhook/route_selector.h"

namespace sockhook::conf {
namespace {

constexpr std::string_view kPathAllowed =
    "an exact path such as /chat, or /room/* for everything below /room/";

bool read_path(const Cursor& cursor, PathPattern* pattern) {
  cursor.require(kPathAllowed);
  std::string text;
  if (!read_text(cursor, &text, kPathAllowed)) return false;
  std::string path = text;
  pattern->below = path.ends_with("/*");
  if (pattern->below) path.pop_back();
  std::string wrong;
  const std::optional<std::string> plain = http::plain_path(path);
  if (!path.starts_with('/')) {
    wrong = "does not begin with /";
  } else if (path.find('*') != std::string::npos) {
    wrong = "has a * elsewhere than as the last segment";
  } else if (path.find_first_of("?#") != std::string::npos) {
    wrong = "has a query or a fragment, which are no part of a path";
  } else if (!plain) {
    wrong = "has a . or .. or empty segment, %2F or an invalid % escape, and can never match";
  } else {
    pattern->path = *plain;
    return true;
  }
  cursor.mistake(quote(text) + " " + wrong, kPathAllowed);
  return false;
}

void read_select(const Cursor& cursor, std::optional<std::string>* target) {
  std::string text;
  if (!read_text(cursor, &text, "an expression such as $request.body.action")) return;
  const auto selector = webhook::RouteSelector::compile(text);
  if (!selector) {
    cursor.mistake(quote(text) + " at character " + std::to_string(selector.error().position + 1) +
                   ": " + selector.error().what);
  }
  *target = text;
}

void read_protocols(const Cursor& cursor, std::vector<std::string>* target) {
  constexpr std::string_view kAllowed = "a subprotocol's name: letters, digits and !#$%&'*+-.^_`|~";
  for (const Cursor& item : cursor.items("a list of subprotocols")) {
    const std::optional<std::string> text = item.text(kAllowed);
    if (!item.require(kAllowed) || !text) continue;
    if (!is_token(*text)) {
      item.mistake(quote(*text) + " is no subprotocol", kAllowed);
    } else if (std::find(target->begin(), target->end(), *text) != target->end()) {
      item.mistake(quote(*text) + " stands in the list twice", "each subprotocol once");
    } else {
      target->push_back(*text);
    }
  }
}

void read_origins(const Cursor& cursor, std::vector<std::string>* target) {
  for (const Cursor& item : cursor.items("a list of origins")) {
    std::optional<std::string> text = item.text(kOriginAllowed);
    if (item.is_null_word()) text = "null";
    if (!text) {
      item.require(kOriginAllowed);
      continue;
    }
    const Scalar<std::string> origin = parse_origin(*text);
    if (origin) {
      target->push_back(*origin);
    } else {
      item.mistake(quote(*text) + " " + origin.error(), kOriginAllowed);
    }
  }
}

void read_compression(const Cursor& cursor, std::optional<Compression>* target) {
  if (cursor.is_word("off") || !cursor.is_given()) return;
  Section section(cursor, "off, or a map of min_size, level and takeover");
  Compression compression;
  read_size(section["min_size"], &compression.min_size, {0, kGiB});
  read_integer(section["level"], &compression.level, {1, 9});
  read_bool(section["takeover"], &compression.takeover);
  if (cursor.is_map()) *target = compression;
}

void read_endpoint(const Cursor& cursor, const Config& config, Endpoint* endpoint) {
  Section section(cursor, "a map of keys");
  read_name(section["name"], &endpoint->name);
  read_path(section["path"], &endpoint->path);
  const Cursor backend = section["backend"];
  read_choice(section["format"], &endpoint->format,
              {{"events", Format::kEvents}, {"lambda", Format::kLambda}});
  read_select(section["select"], &endpoint->select);
  read_routes(section["routes"], config.backends, backend, endpoint);
  read_protocols(section["protocols"], &endpoint->protocols);
  read_origins(section["origins"], &endpoint->origins);
  read_auth(section["auth"], &endpoint->jwt);
  read_integer(section["in_flight"], &endpoint->in_flight, {1, 1000});
  read_choice(section["errors"], &endpoint->close_on_error, {{"frame", false}, {"close", true}});
  read_compression(section["compression"], &endpoint->compression);
  read_duration(section["disconnect_retry"], &endpoint->disconnect_retry,
                {Duration{1}, 24 * 365 * kHour});
  read_limits(section["limits"], &endpoint->limits);

  const Cursor lambda = section["lambda"];
  endpoint->lambda = config.lambda;
  read_lambda(lambda, &endpoint->lambda);
  if (lambda.is_map() && endpoint->format != Format::kLambda) {
    lambda.mistake("serves only format: lambda", "this key beside format: lambda");
  }
}

// "/room/*" gives "room", "/a/b" gives "a-b", "/" gives "root", "/*" gives "all".
std::string derive_name(const PathPattern& pattern) {
  std::string name;
  for (const char c : pattern.path) {
    const bool is_plain = is_name(std::string_view(&c, 1));
    if (is_plain) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (name.ends_with('-')) name.pop_back();
  if (name.empty()) name = pattern.below ? "all" : "root";
  return name.substr(0, 56);  // leaves room for a number
}

// Names those that have none, behind the names that people chose.
void complete_names(std::vector<Endpoint>* endpoints) {
  std::set<std::string> taken;
  for (const Endpoint& endpoint : *endpoints) taken.insert(endpoint.name);
  std::map<std::string, int> numbers;  // the last one, of names that more than one would have
  for (Endpoint& endpoint : *endpoints) {
    if (!endpoint.name.empty()) continue;
    const std::string base = derive_name(endpoint.path);
    int& number = numbers[base];
    do {
      endpoint.name = ++number == 1 ? base : base + "-" + std::to_string(number);
    } while (!taken.insert(endpoint.name).second);
  }
}

// Where names and paths stand first. An endpoint that repeats one is told of that one alone: a file
// of many would else have as many mistakes as it has pairs.
class Taken {
 public:
  void check(const Cursor& item, const Endpoint& endpoint, std::size_t index) {
    if (const auto first = add(&names_, endpoint.name, index)) {
      item.key("name").mistake(quote(endpoint.name) + " is the name of " + *first + " as well",
                               "a name of its own for each endpoint");
    }
    if (endpoint.path.path.empty()) return;
    const std::string path = endpoint.path.to_string();
    if (const auto first = add(&paths_, path, index)) {
      item.key("path").mistake(quote(path) + " is the path of " + *first +
                                   " as well, which comes first and takes everything",
                               "a path of its own for each endpoint");
    }
  }

 private:
  using Places = std::map<std::string, std::size_t>;

  static std::optional<std::string> add(Places* places, const std::string& word,
                                        std::size_t index) {
    if (word.empty()) return std::nullopt;
    const auto [place, is_new] = places->emplace(word, index);
    if (is_new) return std::nullopt;
    return "endpoints[" + std::to_string(place->second) + "]";
  }

  Places names_;
  Places paths_;
};

}  // namespace

void read_lambda(const Cursor& cursor, Lambda* lambda) {
  constexpr std::string_view kValueAllowed = "a text";
  Section section(cursor);
  read_name(section["api_id"], &lambda->api_id);
  read_name(section["stage"], &lambda->stage);
  const Cursor variables = section["stage_variables"];
  if (variables.is_map()) lambda->stage_variables.clear();
  for (const Cursor::Named& entry : variables.names("NAME", "a map of names and texts")) {
    const std::optional<std::string> text = entry.value.text(kValueAllowed);
    if (entry.value.require(kValueAllowed) && text) {
      lambda->stage_variables.emplace(entry.name, *text);
    }
  }
  read_text(section["domain_name"], &lambda->domain_name, "a host name");
}

void read_endpoints(const Cursor& cursor, Config* config) {
  Taken taken;
  for (const Cursor& item : cursor.items("a list of endpoints")) {
    Endpoint endpoint;
    if (!item.require("a map with a path")) continue;
    read_endpoint(item, *config, &endpoint);
    taken.check(item, endpoint, config->endpoints.size());
    config->endpoints.push_back(std::move(endpoint));
  }
  complete_names(&config->endpoints);
}

}  // namespace sockhook::conf
