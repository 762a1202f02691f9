#include "protocol/auth/key_set.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace sockhook::auth {

Result<KeySet, std::string> KeySet::from_jwks(std::string_view json) {
  if (json.size() > kMaxJwksBytes) return Failure{std::string("is over 256 KiB")};
  const auto document = nlohmann::json::parse(json, nullptr, false);
  const auto keys = document.is_object() ? document.find("keys") : document.end();
  if (!document.is_object() || keys == document.end() || !keys->is_array()) {
    return Failure{std::string("is no JWK Set: {\"keys\": [...]}")};
  }
  if (keys->size() > kMaxKeys) return Failure{std::string("has more than 64 keys")};
  KeySet set;
  for (const auto& jwk : *keys) {
    if (auto key = VerificationKey::from_jwk(
            jwk.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))) {
      set.keys_.push_back(std::move(*key));
    }
  }
  if (set.keys_.empty()) return Failure{std::string("has no key that can be used")};
  return set;
}

bool KeySet::has(std::string_view id) const {
  return std::any_of(keys_.begin(), keys_.end(),
                     [&](const VerificationKey& key) { return key.id() == id; });
}

}  // namespace sockhook::auth
