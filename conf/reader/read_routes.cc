// endpoints[].routes

#include <algorithm>

#include "conf/reader/addresses.h"
#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"

namespace sockhook::conf {
namespace {

constexpr std::string_view kRouteAllowed = "a path on the backend, or a map with path";
constexpr std::string_view kPathAllowed = "a path on the backend, such as /hooks/message";

void read_path(const Cursor& cursor, std::string* target) {
  std::string text;
  if (!read_text(cursor, &text, kPathAllowed)) return;
  if (const auto reason = why_no_request_path(text)) {
    cursor.mistake(quote(text) + " " + *reason, kPathAllowed);
  } else {
    *target = text;
  }
}

void read_retry_conditions(const Cursor& cursor, Retry* retry) {
  constexpr std::string_view kAllowed = "statuses from 300 to 599, timeout, reset";
  if (!cursor.is_list()) {
    cursor.items("a list of " + std::string(kAllowed));
    return;
  }
  retry->statuses.clear();
  retry->on_timeout = false;
  retry->on_reset = false;
  for (const Cursor& item : cursor.items(kAllowed)) {
    const std::optional<std::string> text = item.text(kAllowed);
    if (!item.require(kAllowed) || !text) continue;
    const Scalar<std::uint64_t> status = parse_integer(*text);
    if (*text == "timeout") {
      retry->on_timeout = true;
    } else if (*text == "reset") {
      retry->on_reset = true;
    } else if (status && *status >= 300 && *status <= 599) {
      retry->statuses.push_back(static_cast<uint16_t>(*status));
    } else {
      item.mistake(quote(*text) + " is no reason for a retry", kAllowed);
    }
  }
}

void read_retry(const Cursor& cursor, Retry* retry) {
  Section section(cursor);
  read_integer(section["attempts"], &retry->attempts, {0, 10});
  read_retry_conditions(section["on"], retry);
}

void read_batch(const Cursor& cursor, bool is_message_route, Format format, Route* route) {
  Section section(cursor);
  const Cursor max = section["max"];
  if (!read_integer(max, &route->batch_max, {1, 10'000}) || route->batch_max == 1) return;
  if (!is_message_route) {
    max.mistake("batches are for messages, not for " + route->key, "batch on a message route");
  } else if (format != Format::kEvents) {
    max.mistake("batches are for format: events", "batch beside format: events");
  }
}

bool is_content_type(std::string_view text) {
  const std::string_view type = text.substr(0, text.find(';'));
  const std::size_t slash = std::min(type.find('/'), type.size());
  std::string_view subtype = type.substr(std::min(slash + 1, type.size()));
  while (subtype.ends_with(' ')) subtype.remove_suffix(1);
  return is_token(type.substr(0, slash)) && is_token(subtype) &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void read_content_type(const Cursor& cursor, bool is_message_route, Format format, Route* route) {
  constexpr std::string_view kAllowed = "a media type such as application/json";
  if (!read_text(cursor, &route->content_type, kAllowed)) return;
  if (!is_content_type(*route->content_type)) {
    cursor.mistake(quote(*route->content_type) + " is no media type", kAllowed);
  } else if (!is_message_route) {
    cursor.mistake(route->key + " has no body", "content_type on a message route");
  } else if (format != Format::kEvents) {
    cursor.mistake("the body of format: lambda is always JSON",
                   "content_type beside format: events");
  }
}

// Reads the routes of one endpoint, and remembers whether one of them needed its backend.
class RoutesReader {
 public:
  RoutesReader(const std::vector<Backend>& backends, std::optional<std::size_t> default_backend,
               Format format)
      : backends_(backends), default_backend_(default_backend), format_(format) {}

  bool needs_default() const { return needs_default_; }

  std::optional<Route> read(const std::string& key, const Cursor& cursor) {
    if (!cursor.is_given()) return std::nullopt;
    Route route;
    route.key = key;
    std::optional<std::size_t> own_backend;
    std::optional<Duration> own_timeout;
    bool has_backend = false;
    if (cursor.is_text()) {
      read_path(cursor, &route.path);
    } else {
      const bool is_message_route = key != "$connect" && key != "$disconnect";
      Section section(cursor, kRouteAllowed);
      const Cursor path = section["path"];
      if (cursor.is_map()) path.require(kPathAllowed);
      read_path(path, &route.path);
      const Cursor backend = section["backend"];
      has_backend = backend.is_given();
      own_backend = read_backend_name(backend, backends_);
      Duration timeout{};
      if (read_duration(section["timeout"], &timeout, {Duration{1}, kHour})) own_timeout = timeout;
      read_content_type(section["content_type"], is_message_route, format_, &route);
      read_retry(section["retry"], &route.retry);
      read_batch(section["batch"], is_message_route, format_, &route);
    }
    needs_default_ = needs_default_ || !has_backend;
    const std::optional<std::size_t> backend = own_backend ? own_backend : default_backend_;
    route.backend = backend.value_or(0);
    if (backend) route.timeout = backends_[*backend].timeout;
    if (own_timeout) route.timeout = *own_timeout;
    return route;
  }

 private:
  const std::vector<Backend>& backends_;
  std::optional<std::size_t> default_backend_;
  Format format_;
  bool needs_default_ = false;
};

}  // namespace

void read_routes(const Cursor& cursor, const std::vector<Backend>& backends,
                 const Cursor& backend_cursor, Endpoint* endpoint) {
  RoutesReader reader(backends, read_backend_name(backend_cursor, backends), endpoint->format);
  Routes& routes = endpoint->routes;
  for (const Cursor::Named& entry : cursor.names("KEY", "a map of route keys and routes")) {
    std::optional<Route> route = reader.read(entry.name, entry.value);
    if (entry.name == "$connect") {
      routes.connect = std::move(route);
    } else if (entry.name == "$disconnect") {
      routes.disconnect = std::move(route);
    } else if (entry.name == "$default") {
      routes.fallback = std::move(route);
    } else if (entry.name.starts_with('$') || entry.name.empty()) {
      const std::vector<std::string> own = {"$connect", "$disconnect", "$default"};
      entry.key.mistake("unknown route key" + suggest(entry.name, own),
                        join(own) + ", or a key that does not begin with $");
    } else if (entry.value.require(kRouteAllowed) && route) {
      routes.by_key.emplace(entry.name, std::move(*route));
    }
  }
  if (reader.needs_default()) backend_cursor.require(allowed_backends(backends));
}

}  // namespace sockhook::conf
