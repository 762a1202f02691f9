#include "protocol/auth/algorithm.h"

#include <array>

namespace sockhook::auth {
namespace {

struct Row {
  std::string_view name;
  Family family;
  std::size_t hash_bytes;
};

// In the order of the enum.
constexpr std::array<Row, 12> kRows = {{
    {"HS256", Family::kHmac, 32},
    {"HS384", Family::kHmac, 48},
    {"HS512", Family::kHmac, 64},
    {"RS256", Family::kRsa, 32},
    {"RS384", Family::kRsa, 48},
    {"RS512", Family::kRsa, 64},
    {"PS256", Family::kRsaPss, 32},
    {"PS384", Family::kRsaPss, 48},
    {"PS512", Family::kRsaPss, 64},
    {"ES256", Family::kEcdsa, 32},
    {"ES384", Family::kEcdsa, 48},
    {"EdDSA", Family::kEdDsa, 0},
}};

const Row& row_of(Algorithm algorithm) { return kRows.at(static_cast<std::size_t>(algorithm)); }

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name == name) return static_cast<Algorithm>(i);
  }
  return std::nullopt;
}

Family family_of(Algorithm algorithm) { return row_of(algorithm).family; }

std::size_t hash_bytes(Algorithm algorithm) { return row_of(algorithm).hash_bytes; }

}  // namespace sockhook::auth
