#include "protocol/auth/flat_claims.h"

#include <nlohmann/json.hpp>

namespace sockhook::auth {

std::map<std::string, std::string, std::less<>> flat_claims(std::string_view json) {
  std::map<std::string, std::string, std::less<>> flat;
  const auto claims = nlohmann::json::parse(json, nullptr, false);
  if (!claims.is_object()) return flat;
  for (const auto& [name, value] : claims.items()) {
    if (name.empty()) continue;
    flat.emplace(name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return flat;
}

}  // namespace sockhook::auth
