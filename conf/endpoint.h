// Endpoint: what clients connect to, how their messages become webhooks, and what they may do.
// A part of the Config (see conf/config.h for its owner and conventions).

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/values.h"

namespace sockhook::conf {

struct PathPattern {
  std::string path;    // "/chat", or "/room/" with `below`
  bool below = false;  // written /room/*: every path that begins with /room/

  bool matches(std::string_view request_path) const {
    return below ? request_path.starts_with(path) : request_path == path;
  }
  std::string to_string() const { return below ? path + "*" : path; }
  bool operator==(const PathPattern&) const = default;
};

enum class Format { kEvents, kLambda };

struct Retry {
  unsigned attempts = 0;                   // extra ones
  std::vector<uint16_t> statuses = {503};  // of `on`
  bool on_timeout = true;
  bool on_reset = false;
  bool operator==(const Retry&) const = default;
};

struct Route {
  std::string key;           // "$connect", "sendMessage"
  std::string path;          // on the backend, before its path_prefix is put in front
  std::size_t backend = 0;   // index into Config::backends
  Duration timeout{29'000};  // the backend's unless the route has its own
  std::optional<std::string> content_type;
  Retry retry;
  std::size_t batch_max = 1;
  bool operator==(const Route&) const = default;
};

struct Routes {
  std::optional<Route> connect;     // absent: accepted
  std::optional<Route> disconnect;  // absent: not sent
  std::optional<Route> fallback;    // $default; absent: Forbidden frame
  std::map<std::string, Route, std::less<>> by_key;
  bool operator==(const Routes&) const = default;
};

struct Jwt {
  struct Source {
    enum class Kind { kHeader, kQuery, kCookie, kProtocol };
    Kind kind = Kind::kHeader;
    std::string name;  // of the query parameter or the cookie
    bool operator==(const Source&) const = default;
  };

  std::vector<std::string> keys;  // PEM if it begins with -----BEGIN, else a secret
  std::optional<std::string> jwks_file;
  std::optional<HttpUrl> jwks_url;
  std::vector<std::string> algorithms;
  std::vector<std::string> issuers;    // empty: any
  std::vector<std::string> audiences;  // empty: any
  Duration leeway{30'000};
  std::vector<Source> from = {{Source::Kind::kHeader, {}}};
  std::string user_claim = "sub";
  std::optional<std::string> groups_claim;
  bool close_on_expiry = false;
  bool operator==(const Jwt&) const = default;
};

struct Compression {
  std::size_t min_size = 1_KiB;
  unsigned level = 3;
  bool takeover = false;
  bool operator==(const Compression&) const = default;
};

struct Rate {
  enum class Over { kReject, kDelay, kClose };
  double rate = 0;        // per second
  std::size_t burst = 1;  // what a full bucket holds
  Over over = Over::kReject;
  bool operator==(const Rate&) const = default;
};

enum class SlowClient { kClose, kDrop };

struct Limits {
  std::size_t message_size = 1_MiB;
  std::optional<std::size_t> frame_size;
  bool binary = true;
  std::optional<std::size_t> connections;
  std::optional<std::size_t> connections_per_ip;
  std::optional<std::size_t> connections_per_user;
  std::optional<Rate> messages_per_second;
  std::size_t send_queue = 1_MiB;
  SlowClient slow_client = SlowClient::kClose;
  std::optional<Duration> idle_timeout;
  std::optional<Duration> max_duration;
  std::optional<Duration> ping_interval = Duration{25'000};
  std::optional<Duration> ping_timeout = Duration{60'000};
  std::size_t fragments = 65'536;

  static Limits aws();  // the preset of API Gateway's quotas
  bool operator==(const Limits&) const = default;
};

struct Lambda {
  std::string api_id = "sockhook";
  std::string stage = "prod";
  std::map<std::string, std::string, std::less<>> stage_variables;
  std::optional<std::string> domain_name;  // absent: what the client's Host header says
  bool operator==(const Lambda&) const = default;
};

struct Endpoint {
  std::string name;  // unique
  PathPattern path;
  Format format = Format::kEvents;
  std::optional<std::string> select;  // a valid selection expression; absent: all go to $default
  Routes routes;
  std::vector<std::string> protocols;
  std::vector<std::string> origins;  // lower-case scheme and host; empty: any
  std::vector<Jwt> jwt;              // empty: no token is asked for
  unsigned in_flight = 1;
  bool close_on_error = false;             // errors: close
  std::optional<Compression> compression;  // empty: off
  Duration disconnect_retry{std::chrono::hours{24}};
  Limits limits;
  Lambda lambda;  // the endpoint's values over the global ones
  bool operator==(const Endpoint&) const = default;
};

}  // namespace sockhook::conf
