// Addresses, URLs, paths and origins, read strictly from a text. Pure; as in reader/scalars.h a
// failure says what is wrong with the text, in words that follow it.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "conf/reader/scalars.h"

namespace sockhook::conf {

inline constexpr std::string_view kAddressAllowed =
    "an IP address and a port (0.0.0.0:7080, [::]:7080, localhost:7080), or unix:/path";
inline constexpr std::string_view kBackendUrlAllowed =
    "http://HOST:PORT/PREFIX, https://HOST:PORT/PREFIX or http+unix://%2Fpath%2Fto.sock/PREFIX";
inline constexpr std::string_view kOriginAllowed =
    "SCHEME://HOST or SCHEME://HOST:PORT, *. in front of the host for one or more labels, or null";

Scalar<Address> parse_address(std::string_view text);
Scalar<HostPort> parse_host_port(std::string_view text, std::optional<uint16_t> default_port);
Scalar<BackendUrl> parse_backend_url(std::string_view text);
// A URL of http or https for something else than a webhook (JWKS, OTLP).
inline constexpr std::string_view kHttpUrlAllowed = "a URL of http or https";
Scalar<HttpUrl> parse_http_url(std::string_view text);
// redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], or rediss://. Sets the fields it tells about.
// The failure shows no part of the text, which may hold a password.
Scalar<Redis> parse_redis_url(std::string_view text);
// In the form in which browsers send it: lower case, without a default port.
Scalar<std::string> parse_origin(std::string_view text);

// A path on a backend, with or without a query, as it will stand in the request line: nullopt, or
// what is wrong.
std::optional<std::string> why_no_request_path(std::string_view text);

}  // namespace sockhook::conf
