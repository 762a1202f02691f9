#include "protocol/auth/key_set.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "protocol/webhook/json_value.h"

namespace sockhook::auth {
namespace {

// A JWK is flat, and its certificates are one list more. Far below what nlohmann's recursive dump
// needs to leave the stack.
constexpr std::size_t kMaxDepth = 16;

bool is_shallow(std::string_view json) {
  webhook::JsonReader reader(json);
  return webhook::take_value<webhook::AnyJson>(reader, kMaxDepth);
}

}  // namespace

Result<KeySet, std::string> KeySet::from_jwks(std::string_view json) {
  if (json.size() > kMaxJwksBytes) return Failure{std::string("is over 256 KiB")};
  const auto document =
      is_shallow(json) ? nlohmann::json::parse(json, nullptr, false) : nlohmann::json();
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
