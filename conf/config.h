// Config: everything that an operator may say, as typed values. Contract section 2 is its source.
//
// Made once by read_config() or quick_config(), complete (every default filled in, every name
// looked up) and valid; shared between threads as `std::shared_ptr<const Config>` and never
// changed. A reload makes a new one. The member initialisers are the built-in defaults;
// conf/example.yaml shows them to people, and a test keeps the two equal.
//
// Conventions: times are std::chrono::milliseconds, sizes are bytes, an empty std::optional means
// "off" or "not given" as the comment says. Members hold secrets (tokens, keys): never log a
// Config.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "conf/endpoint.h"
#include "conf/values.h"

namespace sockhook::conf {

struct Node {
  std::optional<std::string> id;    // absent: random
  std::optional<unsigned> workers;  // absent: available_cpus() of cpu_limit.h
  bool operator==(const Node&) const = default;
};

struct CertificateFiles {
  std::string certificate;
  std::string key;
  bool operator==(const CertificateFiles&) const = default;
};

struct ServerTls {
  CertificateFiles files;
  std::optional<std::string> client_ca;  // given: a client certificate is required
  std::vector<CertificateFiles> certificates;
  bool operator==(const ServerTls&) const = default;
};

struct PublicListener {
  Address address{"0.0.0.0", 7080, {}};
  std::optional<ServerTls> tls;
  std::vector<std::string> trusted_proxies;  // CIDRs or addresses, checked
  bool proxy_protocol = false;
  std::size_t header_size = 16_KiB;
  Duration handshake_timeout{10'000};
  std::optional<double> handshakes_per_second;
  std::variant<Percent, std::size_t> connections =
      Percent{90};  // of the descriptor limit, or a number
  bool operator==(const PublicListener&) const = default;
};

struct ManagementListener {
  Address address{"127.0.0.1", 7081, {}};
  std::optional<ServerTls> tls;
  std::size_t body_size = 16_MiB;
  bool operator==(const ManagementListener&) const = default;
};

struct AdminListener {
  Address address{"127.0.0.1", 7082, {}};
  std::optional<std::string> token;
  bool operator==(const AdminListener&) const = default;
};

struct Listen {
  PublicListener public_;
  ManagementListener management;
  AdminListener admin;
  bool operator==(const Listen&) const = default;
};

struct BackendUrl {
  bool https = false;
  std::string host;  // name or literal address (IPv6 without brackets); empty for a unix socket
  uint16_t port = 80;
  std::string unix_path;    // http+unix://; empty for TCP
  std::string path_prefix;  // "" or "/prefix" without a trailing slash
  std::string authority;    // what the Host header says: "app:3000", "[::1]:3000", "localhost"

  bool is_unix() const { return !unix_path.empty(); }
  bool operator==(const BackendUrl&) const = default;
};

struct ClientTls {
  std::optional<std::string> ca;
  std::optional<CertificateFiles> files;
  std::optional<std::string> server_name;
  bool operator==(const ClientTls&) const = default;
};

struct HealthCheck {
  std::string path = "/health";
  Duration interval{5'000};
  bool operator==(const HealthCheck&) const = default;
};

// When webhooks to a backend that fails are not even tried: backend/breaker.h.
struct Breaker {
  Percent failures{50};
  std::size_t of = 20;   // of so many outcomes, the last ones
  Duration open{1'000};  // for the first time; doubling while the backend goes on failing
  bool operator==(const Breaker&) const = default;
};

struct Backend {
  std::string name;
  std::vector<BackendUrl> urls;  // at least one
  Duration timeout{29'000};
  Duration connect_timeout{1'000};
  std::size_t max_connections = 256;      // per node, all addresses together
  std::optional<Duration> queue_timeout;  // empty: off
  std::size_t answer_size = 1_MiB;
  std::vector<Header> headers;
  ClientTls tls;
  std::optional<HealthCheck> health;  // empty: off
  std::optional<Breaker> breaker;     // empty: off
  bool operator==(const Backend&) const = default;
};

struct Passthrough {
  std::size_t backend = 0;  // index into Config::backends
  // The webhooks' paths on that backend, and on every other that shares an address with it, its
  // path_prefix included, in the form of http::comparison_path(). A request is refused when
  // comparison_path(path_prefix + its path) is one of them (contract 4.5). Sorted.
  std::vector<std::string> webhook_paths;
  bool operator==(const Passthrough&) const = default;
};

struct Access {
  bool send = true;
  bool read = true;
  bool manage = true;
  std::vector<std::string> endpoints;  // names; empty: all
  bool operator==(const Access&) const = default;
};

struct Token {
  std::string token;
  Access access;
  bool operator==(const Token&) const = default;
};

struct SigV4Key {
  std::string access_key_id;
  std::string secret_access_key;
  Access access;
  bool operator==(const SigV4Key&) const = default;
};

struct Management {
  std::vector<Token> tokens;
  std::vector<SigV4Key> sigv4;
  bool client_certificates = false;

  bool has_auth() const { return !tokens.empty() || !sigv4.empty() || client_certificates; }
  bool operator==(const Management&) const = default;
};

struct Signing {
  std::vector<std::string> secrets;  // "whsec_" and base64, checked; empty: unsigned
  bool operator==(const Signing&) const = default;
};

struct Redis {
  struct Sentinel {
    std::string master;
    std::vector<HostPort> nodes;
    std::optional<std::string> password;
    bool operator==(const Sentinel&) const = default;
  };

  HostPort server{"127.0.0.1", 6379};
  bool tls = false;  // rediss://
  std::optional<std::string> user;
  std::optional<std::string> password;
  unsigned database = 0;
  std::string prefix = "sockhook";
  Duration heartbeat{5'000};
  Duration lease{15'000};
  std::optional<Sentinel> sentinel;
  bool cluster = false;
  bool operations = false;  // management operations are taken from a stream too
  std::optional<std::string> tls_ca;
  bool operator==(const Redis&) const = default;
};

struct Backplane {
  std::optional<Redis> redis;  // empty: memory, one node
  bool fence_when_partitioned = false;
  bool operator==(const Backplane&) const = default;
};

struct Drain {
  Duration delay{5'000};
  Duration period{20'000};
  bool operator==(const Drain&) const = default;
};

struct Ready {
  bool backplane_required = false;
  Percent memory{90};  // of the cgroup limit
  bool operator==(const Ready&) const = default;
};

struct Log {
  enum class Level { kDebug, kInfo, kWarn, kError };
  enum class Format { kAuto, kJson, kLogfmt };  // auto: logfmt on a terminal, else json
  Level level = Level::kInfo;
  Format format = Format::kAuto;
  bool operator==(const Log&) const = default;
};

struct Tracing {
  std::string otlp;  // URL
  double ratio = 0.01;
  bool operator==(const Tracing&) const = default;
};

struct Config {
  Node node;
  Listen listen;
  std::vector<Backend> backends;    // in the file's order
  std::vector<Endpoint> endpoints;  // in the file's order: the first match wins
  Lambda lambda;                    // for @connections and as the endpoints' default
  std::optional<Passthrough> passthrough;
  Management management;
  Signing signing;
  Backplane backplane;
  Drain drain;
  Ready ready;
  Log log;
  std::optional<Tracing> tracing;  // empty: off

  const Backend& backend_of(const Route& route) const { return backends[route.backend]; }
  bool operator==(const Config&) const = default;
};

}  // namespace sockhook::conf
