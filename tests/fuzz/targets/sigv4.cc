// Calls of the management API by who they say that they are: AWS Signature Version 4, header and
// presigned, and bearer tokens.
//
// Checked: whoever does not know the secret is not let in: the secret is made afresh for each run,
// so that no input can know it.
//
// A request's head, an empty line, the body.

#include "protocol/auth/sigv4.h"

#include <cstdint>
#include <random>
#include <string>

#include "protocol/base/check.h"
#include "proxy/management/authenticator.h"
#include "tests/fuzz/http_input.h"

namespace {

using namespace sockhook;

// The day of the seeds.
constexpr std::int64_t kNow = 1767268800;

const std::string& secret() {
  static const std::string kSecret = [] {
    std::random_device random;
    return std::to_string(random()) + "-" + std::to_string(random());
  }();
  return kSecret;
}

const management::Authenticator& authenticator() {
  static const management::Authenticator kAuthenticator = [] {
    conf::Management conf;
    conf.tokens.push_back({secret(), {}});
    conf.sigv4.push_back({"AKIDEXAMPLE", secret(), {}});
    return management::Authenticator(conf);
  }();
  return kAuthenticator;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find("\n\n"), size);
  const auto head = fuzz::read_request_head(text.substr(0, end));
  if (!head) return 0;
  const std::string body(text.substr(std::min(end + 2, size)));
  if (const auto signature = auth::read_sigv4(*head)) {
    SOCKHOOK_CHECK(!signature->access_key_id.empty());
    SOCKHOOK_CHECK(signature->valid_s > 0 && signature->valid_s <= auth::kSigV4MaxExpirySeconds);
    const auto verified = auth::verify_sigv4(*signature, secret(), *head, body, kNow);
    SOCKHOOK_CHECK(!verified);
    SOCKHOOK_CHECK(!verified.error().detail.empty());
    // The seeds' own: whatever comes of it.
    (void)auth::verify_sigv4(*signature, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", *head, body,
                             signature->signed_at_s);
  } else {
    SOCKHOOK_CHECK(signature.error().error == auth::SigV4Error::kMissing ||
                   signature.error().error == auth::SigV4Error::kMalformed);
  }
  SOCKHOOK_CHECK(!authenticator().authenticate(*head, &body));
  return 0;
}
