// What the program calls itself. SOCKHOOK_VERSION comes from CMake's project().

#pragma once

#include <string_view>

namespace sockhook {

inline constexpr std::string_view kVersion = SOCKHOOK_VERSION;
inline constexpr std::string_view kUserAgent = "sockhook/" SOCKHOOK_VERSION;

}  // namespace sockhook
