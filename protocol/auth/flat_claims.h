// Flat claims: a token's claims as texts, as an authorizer of API Gateway hands them on (contract
// 4.2): a string as it is, anything else as its JSON.
//
// Pure; any thread.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace sockhook::auth {

// `json` is an object, at most kMaxClaimsBytes of it (Claims::json); of anything else nothing
// comes. A claim without a name is left out.
std::map<std::string, std::string, std::less<>> flat_claims(std::string_view json);

}  // namespace sockhook::auth
