#include "protocol/webhook/signature.h"

#include <gtest/gtest.h>

namespace sockhook::webhook {
namespace {

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* kOther = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

TEST(Signature, IsThatOfStandardWebhooks) {
  // The example of the specification's reference implementations.
  EXPECT_EQ(
      Signer({kSecret}).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Signature, ComesOncePerSecretInThreeHeaders) {
  std::string out;
  Signer({kSecret, kOther}).append_headers(out, "c-end", 1'700'000'000, "");
  EXPECT_EQ(out,
            "webhook-id: c-end\r\n"
            "webhook-timestamp: 1700000000\r\n"
            "webhook-signature: v1,QGdl9kf6NjGs9Mrl/YD7SSaCZ4aL2WKRcLcSQ+yfVy0= "
            "v1,nFUB2gsS2ET99Zsa1jdBJ2t78ntXeMZ+QBG4P+GaCZg=\r\n");
}

TEST(Signature, IsAbsentWithoutSecrets) {
  std::string out;
  Signer().append_headers(out, "c-end", 1'700'000'000, "");
  EXPECT_EQ(out, "");
  EXPECT_FALSE(Signer().is_enabled());
}

TEST(Signature, SecretIsWhsecAndBase64) {
  EXPECT_EQ(decode_signing_secret("whsec_c2VjcmV0"), "secret");
  for (const char* bad :
       {"", "whsec_", "c2VjcmV0", "WHSEC_c2VjcmV0", "whsec_c2V*", "whsec_c2VjcmV0 "}) {
    EXPECT_EQ(decode_signing_secret(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace sockhook::webhook
