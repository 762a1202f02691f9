// Origin check of a handshake (contract 2, `origins`).

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sockhook::client {

// `allowed` are the endpoint's: "https://example.com", "https://*.example.com:8443", "null"; empty:
// any. `*` stands for one or more labels, ports must match (the scheme's default may be left out),
// case does not matter. A handshake without the header is not asked about.
bool is_origin_allowed(std::string_view origin, const std::vector<std::string>& allowed);

}  // namespace sockhook::client
