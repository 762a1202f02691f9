#include "protocol/auth/sigv4.h"

#include <gtest/gtest.h>

#include <string>

namespace sockhook::auth {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::int64_t kSignedAt = 1'767'268'800;  // 2026-01-01T12:00:00Z

// Signatures made with botocore 1.29.27 (SigV4Auth and SigV4QueryAuth, service execute-api, region
// eu-west-1, at 2026-01-01T12:00:00Z), which are the reference.
http::RequestHead signed_post() {
  http::RequestHead head;
  head.method = "POST";
  head.target = "/prod/@connections/ab%3D";
  head.headers = {{"Host", "localhost:7081"},
                  {"X-Amz-Date", "20260101T120000Z"},
                  {"X-Custom", "a   b "},
                  {"Authorization",
                   "AWS4-HMAC-SHA256 "
                   "Credential=AKIDEXAMPLE/20260101/eu-west-1/execute-api/aws4_request, "
                   "SignedHeaders=host;x-amz-date;x-custom, "
                   "Signature=01213f21be50352e83ec891ede26fed9f2951f8fa537e464474459e9345777a4"}};
  return head;
}

http::RequestHead presigned_get() {
  http::RequestHead head;
  head.method = "GET";
  head.target =
      "/v1/groups/a%20b?limit=5&cursor=x%2By&X-Amz-Algorithm=AWS4-HMAC-SHA256"
      "&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Feu-west-1%2Fexecute-api%2Faws4_request"
      "&X-Amz-Date=20260101T120000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host"
      "&X-Amz-Signature=75806dc28d9cf270bb770dbff14eb7cfb1a613c5cc26e324ee6520a8c61c3cee";
  head.headers = {{"Host", "localhost:7081"}};
  return head;
}

SigV4Error verify(const http::RequestHead& head, std::string_view body, std::int64_t now_s,
                  std::string_view secret = kSecret) {
  const auto signature = read_sigv4(head);
  if (!signature) return signature.error().error;
  const auto verified = verify_sigv4(*signature, secret, head, body, now_s);
  return verified ? SigV4Error::kMissing : verified.error().error;  // kMissing: nothing is
}
constexpr SigV4Error kNothing = SigV4Error::kMissing;

TEST(SigV4, VerifiesWhatBotocoreSigned) {
  EXPECT_EQ(verify(signed_post(), "hello", kSignedAt), kNothing);
  EXPECT_EQ(verify(presigned_get(), "", kSignedAt), kNothing);
}

TEST(SigV4, TellsTheKeyThatItNames) {
  EXPECT_EQ(read_sigv4(signed_post())->access_key_id, "AKIDEXAMPLE");
  EXPECT_TRUE(read_sigv4(presigned_get())->is_presigned);
}

TEST(SigV4, EveryChangeOfTheRequestIsNoticed) {
  EXPECT_EQ(verify(signed_post(), "hellO", kSignedAt), SigV4Error::kMismatch);
  EXPECT_EQ(verify(signed_post(), "hello", kSignedAt, "other"), SigV4Error::kMismatch);
  http::RequestHead head = signed_post();
  head.method = "PUT";
  EXPECT_EQ(verify(head, "hello", kSignedAt), SigV4Error::kMismatch);
  head = signed_post();
  head.target += "x";
  EXPECT_EQ(verify(head, "hello", kSignedAt), SigV4Error::kMismatch);
  head = signed_post();
  head.target += "?x=1";
  EXPECT_EQ(verify(head, "hello", kSignedAt), SigV4Error::kMismatch);
  head = signed_post();
  head.headers.set("X-Custom", "a c");
  EXPECT_EQ(verify(head, "hello", kSignedAt), SigV4Error::kMismatch);
  head = signed_post();
  head.headers.set("Host", "elsewhere");
  EXPECT_EQ(verify(head, "hello", kSignedAt), SigV4Error::kMismatch);
  head = presigned_get();
  head.target.replace(head.target.find("limit=5"), 7, "limit=6");
  EXPECT_EQ(verify(head, "", kSignedAt), SigV4Error::kMismatch);
}

TEST(SigV4, HeadersThatAreNotSignedMayChange) {
  http::RequestHead head = signed_post();
  head.headers.add("User-Agent", "whatever");
  EXPECT_EQ(verify(head, "hello", kSignedAt), kNothing);
}

TEST(SigV4, MismatchTellsTheCanonicalForms) {
  const http::RequestHead head = signed_post();
  const auto verified = verify_sigv4(*read_sigv4(head), "other", head, "hello", kSignedAt);
  ASSERT_FALSE(verified);
  EXPECT_NE(verified.error().detail.find("POST\n/prod/%40connections/ab%253D\n\nhost:localhost"),
            std::string::npos);
  EXPECT_NE(verified.error().detail.find("AWS4-HMAC-SHA256\n20260101T120000Z\n20260101/eu-west-1"),
            std::string::npos);
}

TEST(SigV4, ClocksMayBeFiveMinutesApart) {
  EXPECT_EQ(verify(signed_post(), "hello", kSignedAt + 300), kNothing);
  EXPECT_EQ(verify(signed_post(), "hello", kSignedAt - 300), kNothing);
  EXPECT_EQ(verify(signed_post(), "hello", kSignedAt + 301), SigV4Error::kExpired);
  EXPECT_EQ(verify(signed_post(), "hello", kSignedAt - 301), SigV4Error::kExpired);
}

TEST(SigV4, PresignedOnesLiveAsLongAsTheySay) {
  EXPECT_EQ(verify(presigned_get(), "", kSignedAt + 900), kNothing);
  EXPECT_EQ(verify(presigned_get(), "", kSignedAt + 901), SigV4Error::kExpired);
  EXPECT_EQ(verify(presigned_get(), "", kSignedAt - 301), SigV4Error::kExpired);
}

TEST(SigV4, DeclaredHashMustBeTheBodys) {
  http::RequestHead head = signed_post();
  head.headers.add("X-Amz-Content-SHA256",
                   "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(verify(head, "hello", kSignedAt), kNothing);
  EXPECT_EQ(verify(head, "hellO", kSignedAt), SigV4Error::kPayload);
  head.headers.set("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD");
  EXPECT_EQ(verify(head, "hello", kSignedAt), SigV4Error::kPayload);
}

TEST(SigV4, IncompleteOnesAreMalformed) {
  const auto error_with = [](const std::string& authorization) {
    http::RequestHead head = signed_post();
    head.headers.set("Authorization", authorization);
    return verify(head, "hello", kSignedAt);
  };
  const std::string credential =
      "Credential=AKIDEXAMPLE/20260101/eu-west-1/execute-api/aws4_request";
  for (const std::string& authorization :
       {std::string("AWS4-HMAC-SHA256"), "AWS4-HMAC-SHA256 " + credential,
        "AWS4-HMAC-SHA256 " + credential + ", SignedHeaders=x-amz-date, Signature=00",
        "AWS4-HMAC-SHA256 " + credential + ", SignedHeaders=host, Signature=",
        std::string("AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/s3/aws4_request, "
                    "SignedHeaders=host, Signature=00"),
        std::string("AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/execute-api/aws4_request, "
                    "SignedHeaders=host, Signature=00"),
        std::string("AWS4-HMAC-SHA256 Credential=/20260101/eu-west-1/execute-api/aws4_request, "
                    "SignedHeaders=host, Signature=00")}) {
    EXPECT_EQ(error_with(authorization), SigV4Error::kMalformed) << authorization;
  }
  http::RequestHead head = signed_post();
  for (const char* date : {"2026-01-01", "20261301T120000Z", "20260101T250000Z", ""}) {
    head.headers.set("X-Amz-Date", date);
    EXPECT_EQ(verify(head, "hello", kSignedAt), SigV4Error::kMalformed) << date;
  }
}

TEST(SigV4, OtherRequestsAreNotSigned) {
  http::RequestHead head;
  head.method = "GET";
  head.target = "/v1/groups/g";
  EXPECT_EQ(read_sigv4(head).error().error, SigV4Error::kMissing);
  head.headers.add("Authorization", "Bearer x");
  EXPECT_EQ(read_sigv4(head).error().error, SigV4Error::kMissing);
}

}  // namespace
}  // namespace sockhook::auth
