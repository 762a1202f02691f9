// Tokens: as they come, and with contents of the fuzzer's own under a good signature.
//
// Checked: nobody gets in with a token that nobody has signed: what is accepted has the signed part
// of one of the RFC's tokens, or was signed here. Claims are within their limits, names valid.
//
// Byte 0: 'T', then a token; or 'S', then a header in one line and a payload: signed here by HS256.

#include "protocol/auth/token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>
#include <string>

#include "protocol/auth/flat_claims.h"
#include "protocol/base/check.h"
#include "protocol/webhook/base64.h"
#include "protocol/webhook/names.h"
#include "tests/fuzz/input.h"

namespace {

using namespace sockhook::auth;
using sockhook::webhook::base64url;

// The keys of RFC 7515's examples A.1 (for HS256), A.2 (RS256) and A.3 (ES256).
constexpr std::string_view kKeys =
    R"({"keys":[{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75)"
    R"(aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4f)"
    R"(Akd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRP)"
    R"(EwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2)"
    R"(CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM)"
    R"(Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ"},{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76)"
    R"(e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";
constexpr std::string_view kSecret =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
constexpr std::string_view kSigned =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q.";
constexpr std::array<std::string_view, 3> kHeaders = {
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJFUzI1NiJ9"};
constexpr std::int64_t kNow = 1300819300;

const KeySet& keys() {
  static const KeySet set = [] {
    auto read = KeySet::from_jwks(kKeys);
    SOCKHOOK_CHECK(read && read->keys().size() == 3);
    return *read;
  }();
  return set;
}

const TokenRules& rules() {
  static const TokenRules kRules{
      .algorithms = {Algorithm::kHs256, Algorithm::kRs256, Algorithm::kEs256, Algorithm::kPs256},
      .groups_claim = "groups"};
  return kRules;
}

std::string hmac(std::string_view text) {
  static const std::string key = *sockhook::webhook::decode_base64url(kSecret);
  std::string mac(32, '\0');
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(mac.data()), nullptr);
  return mac;
}

bool is_of_the_rfc(std::string_view token) {
  for (const std::string_view header : kHeaders) {
    if (token.starts_with(std::string(header) + std::string(kSigned))) return true;
  }
  return false;
}

void check(const Claims& claims) {
  SOCKHOOK_CHECK(claims.json.size() <= kMaxClaimsBytes);
  SOCKHOOK_CHECK(claims.user.empty() || sockhook::webhook::is_valid_name(claims.user));
  for (const std::string& group : claims.groups) {
    SOCKHOOK_CHECK(sockhook::webhook::is_valid_name(group));
  }
  SOCKHOOK_CHECK(kNow < claims.expires_at_s + rules().leeway_s);
  for (const auto& [name, text] : flat_claims(claims.json)) SOCKHOOK_CHECK(!name.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sockhook::fuzz::Input input(data, size);
  const bool is_signed_here = input.byte() == 'S';
  std::string token;
  if (is_signed_here) {
    token = base64url(input.line());
    token += "." + base64url(input.rest());
    token += "." + base64url(hmac(token));
  } else {
    token = input.rest();
  }
  const auto claims = verify_token(token, rules(), keys(), kNow);
  const std::string issuer = claimed_issuer(token);
  if (!claims) {
    SOCKHOOK_CHECK(!describe(claims.error()).empty());
    return 0;
  }
  SOCKHOOK_CHECK(is_signed_here || is_of_the_rfc(token));
  check(*claims);
  // With other keys and other rules it is nobody's.
  SOCKHOOK_CHECK(!verify_token(token, rules(), KeySet(), kNow));
  SOCKHOOK_CHECK(!verify_token(token, TokenRules{}, keys(), kNow));
  SOCKHOOK_CHECK(!verify_token(token, rules(), keys(), claims->expires_at_s + 30));
  return 0;
}
