// Names of groups and users (contract 4.3): one name space for all endpoints.
//
// Pure functions, any thread.

#pragma once

#include <cstddef>
#include <string_view>

namespace sockhook::webhook {

inline constexpr std::size_t kMaxNameBytes = 128;

// 1 to 128 bytes of UTF-8 without control characters (C0, DEL and C1).
bool is_valid_name(std::string_view name);

}  // namespace sockhook::webhook
