// backends

#include <algorithm>
#include <array>

#include "conf/reader/addresses.h"
#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"
#include "protocol/http/header_rules.h"
#include "protocol/http/http_message.h"

namespace sockhook::conf {
namespace {

bool read_url(const Cursor& cursor, std::vector<BackendUrl>* urls) {
  const std::optional<std::string> text = cursor.text(kBackendUrlAllowed);
  if (!text) return false;
  const Scalar<BackendUrl> url = parse_backend_url(*text);
  if (!url) {
    // A user may come with a password.
    const bool has_user = text->find('@') != std::string::npos;
    cursor.mistake(has_user ? url.error() : quote(*text) + " " + url.error(), kBackendUrlAllowed);
    return false;
  }
  urls->push_back(*url);
  return true;
}

void read_urls(Section& section, std::vector<BackendUrl>* urls) {
  const Cursor one = section["url"];
  const Cursor several = section["urls"];
  if (one.is_text() && several.is_list()) {
    several.mistake("stands beside url", "either url or urls");
  }
  if (!several.is_given()) one.require(kBackendUrlAllowed);
  read_url(one, urls);
  const std::vector<Cursor> items = several.items("a list of URLs");
  if (several.is_list() && items.empty()) several.mistake("is empty", "at least one URL");
  for (const Cursor& item : items) {
    if (!item.require(kBackendUrlAllowed) || !read_url(item, urls)) continue;
    const BackendUrl& first = urls->front();
    const BackendUrl& last = urls->back();
    if (last.path_prefix != first.path_prefix || last.https != first.https) {
      item.mistake("differs from the first URL in more than its host",
                   "the same scheme and path for all addresses of one backend");
    } else if (std::find(urls->begin(), urls->end() - 1, last) != urls->end() - 1) {
      item.mistake("stands in the list twice", "each address once");
    }
  }
}

// What Sockhook writes itself, or what frames the message.
bool is_written_by_proxy(const std::string& name) {
  constexpr std::array<std::string_view, 8> kOwn = {"host",           "via",         "user-agent",
                                                    "traceparent",    "tracestate",  "expect",
                                                    "content-length", "content-type"};
  return std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end() || http::is_hop_by_hop(name) ||
         http::is_reserved(name) || http::is_forwarded(name);
}

void read_headers(const Cursor& cursor, std::vector<Header>* headers) {
  constexpr std::string_view kValueAllowed = "a text of visible ASCII characters and spaces";
  for (const Cursor::Named& entry : cursor.names("NAME", "a map of header names and values")) {
    const std::string name = http::to_lower(entry.name);
    if (!is_token(name)) {
      entry.key.mistake(quote(entry.name) + " is no header name", "letters, digits and -");
    } else if (is_written_by_proxy(name)) {
      entry.key.mistake("Sockhook sets this header itself", "any other header");
    }
    const auto same_name = [&](const Header& other) { return http::to_lower(other.name) == name; };
    if (std::any_of(headers->begin(), headers->end(), same_name)) {
      entry.key.mistake("duplicate header (names are case-insensitive)", "each header once");
    }
    const std::optional<std::string> value = entry.value.text(kValueAllowed);
    if (!entry.value.require(kValueAllowed) || !value) continue;
    // The value may be a credential: it is not shown.
    const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
    if (!std::all_of(value->begin(), value->end(), is_plain)) {
      entry.value.mistake("has a control character or one outside ASCII", kValueAllowed);
    }
    headers->push_back({entry.name, *value});
  }
}

void read_client_tls(const Cursor& cursor, ClientTls* tls) {
  Section section(cursor);
  read_file_name(section["ca"], &tls->ca);
  tls->files = read_certificate_files(section);
  read_text(section["server_name"], &tls->server_name, "a host name");
}

void read_health(const Cursor& cursor, std::optional<HealthCheck>* target) {
  if (cursor.is_word("off") || !cursor.is_given()) return;
  constexpr std::string_view kPathAllowed = "a path such as /health";
  Section section(cursor, "off, or a map of path and interval");
  HealthCheck health;
  if (read_text(section["path"], &health.path, kPathAllowed)) {
    if (const auto reason = why_no_request_path(health.path)) {
      section["path"].mistake(quote(health.path) + " " + *reason, kPathAllowed);
    }
  }
  read_duration(section["interval"], &health.interval, {Duration{1}, kHour});
  if (cursor.is_map()) *target = health;
}

void read_breaker(const Cursor& cursor, std::optional<Breaker>* target) {
  if (cursor.is_word("off") || !cursor.is_given()) return;
  Section section(cursor, "off, or a map of failures, of and open");
  Breaker breaker;
  read_percent(section["failures"], &breaker.failures);
  read_integer(section["of"], &breaker.of, {1, 10'000});
  read_duration(section["open"], &breaker.open, {Duration{1}, Duration{30'000}});
  if (cursor.is_map()) *target = breaker;
}

void read_backend(const Cursor& cursor, Backend* backend) {
  Section section(cursor);
  read_urls(section, &backend->urls);
  read_duration(section["timeout"], &backend->timeout, {Duration{1}, kHour});
  read_duration(section["connect_timeout"], &backend->connect_timeout, {Duration{1}, kHour});
  read_integer(section["max_connections"], &backend->max_connections, {1, 65'535});
  read_unless_off(section["queue_timeout"], &backend->queue_timeout, read_duration,
                  DurationRange{Duration{1}, kHour});
  read_size(section["answer_size"], &backend->answer_size, {1, kGiB});
  read_headers(section["headers"], &backend->headers);
  read_client_tls(section["tls"], &backend->tls);
  read_health(section["health"], &backend->health);
  read_breaker(section["breaker"], &backend->breaker);
  const bool is_https = !backend->urls.empty() && backend->urls.front().https;
  if (!(backend->tls == ClientTls{}) && !backend->urls.empty() && !is_https) {
    section["tls"].mistake("is set, but the URL is not https", "tls for an https:// URL");
  }
}

std::vector<std::string> names_of(const std::vector<Backend>& backends) {
  std::vector<std::string> names(backends.size());
  std::transform(backends.begin(), backends.end(), names.begin(),
                 [](const Backend& backend) { return backend.name; });
  return names;
}

}  // namespace

void read_backends(const Cursor& cursor, std::vector<Backend>* backends) {
  for (const Cursor::Named& entry : cursor.names("NAME", "a map of named backends")) {
    if (!is_name(entry.name)) {
      entry.key.mistake(quote(entry.name) + " is no name", kNameAllowed);
    }
    Backend backend;
    backend.name = entry.name;
    read_backend(entry.value, &backend);
    backends->push_back(std::move(backend));
  }
}

std::string allowed_backends(const std::vector<Backend>& backends) {
  return backends.empty() ? "a name under backends, where none is" : join(names_of(backends));
}

std::optional<std::size_t> read_backend_name(const Cursor& cursor,
                                             const std::vector<Backend>& backends) {
  const std::string allowed = allowed_backends(backends);
  const std::optional<std::string> name = cursor.text(allowed);
  if (!name) return std::nullopt;
  const std::vector<std::string> names = names_of(backends);
  const auto found = std::find(names.begin(), names.end(), *name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  cursor.mistake("there is no backend " + quote(*name) + suggest(*name, names), allowed);
  return std::nullopt;
}

}  // namespace sockhook::conf
