// JWK Sets as issuers publish them, single JWKs and PEM.
//
// Checked: a set that is taken has keys, no more than allowed, each of which fits an algorithm;
// none verifies a signature of nonsense; an error has a text.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "protocol/auth/key_set.h"
#include "protocol/base/check.h"

namespace {

using namespace sockhook::auth;

constexpr std::array kAlgorithms = {Algorithm::kHs256, Algorithm::kHs512, Algorithm::kRs256,
                                    Algorithm::kPs512, Algorithm::kEs256, Algorithm::kEs384,
                                    Algorithm::kEdDsa, Algorithm::kHs384, Algorithm::kRs384,
                                    Algorithm::kRs512, Algorithm::kPs256, Algorithm::kPs384};

void check(const VerificationKey& key) {
  SOCKHOOK_CHECK(std::any_of(kAlgorithms.begin(), kAlgorithms.end(),
                             [&](Algorithm algorithm) { return key.fits(algorithm); }));
  for (const Algorithm algorithm : kAlgorithms) {
    if (!key.fits(algorithm)) continue;
    SOCKHOOK_CHECK(!key.verify(algorithm, "text", "no signature"));
    SOCKHOOK_CHECK(!key.verify(algorithm, "text", ""));
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto set = KeySet::from_jwks(text);
  if (set) {
    SOCKHOOK_CHECK(!set->keys().empty() && set->keys().size() <= KeySet::kMaxKeys);
    for (const VerificationKey& key : set->keys()) {
      check(key);
      SOCKHOOK_CHECK(set->has(key.id()));
    }
  } else {
    SOCKHOOK_CHECK(!set.error().empty());
  }
  const auto from_text = VerificationKey::from_text(text);
  if (from_text) check(*from_text);
  if (!from_text) SOCKHOOK_CHECK(!from_text.error().empty());
  return 0;
}
