// Algorithm: the JWS signature algorithms that a token may be signed with (RFC 7518 section 3, RFC
// 8037). `none` is not among them, and never will be.
//
// Pure values, any thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sockhook::auth {

enum class Algorithm : std::uint8_t {
  kHs256,
  kHs384,
  kHs512,
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEdDsa,
};

// What kind of key an algorithm takes: a key of one family never verifies for another, which is
// what makes algorithm confusion impossible.
enum class Family : std::uint8_t { kHmac, kRsa, kRsaPss, kEcdsa, kEdDsa };

// As in the header's `alg`, case-sensitive.
std::optional<Algorithm> parse_algorithm(std::string_view name);
Family family_of(Algorithm algorithm);
// Bytes of the hash; 0 for EdDSA, which brings its own.
std::size_t hash_bytes(Algorithm algorithm);

}  // namespace sockhook::auth
