// TokenGrant: what a verified token says of the connection that it opens. A value, no thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sockhook::client {

struct TokenGrant {
  std::string user;                 // empty: the token names none
  std::vector<std::string> groups;  // joined when the connection opens
  std::size_t ignored_groups = 0;   // that no group can be called by
  std::shared_ptr<const std::string> claims;
  // Wall clock: when the connection has to end. Nothing: it may outlive its token.
  std::optional<int64_t> ends_at_ms;
};

}  // namespace sockhook::client
