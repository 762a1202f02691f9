// AWS Signature Version 4, the verifying side, for the service `execute-api`: what the AWS SDKs put
// on calls of API Gateway's @connections (AWS General Reference, "Signature Version 4 signing").
//
// Two forms: the Authorization header, and the query of a presigned request. The canonical path is
// the raw one of the request with each byte encoded again, as every service but S3 has it.
//
// Pure functions, any thread. The clock is the caller's.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/http/http_message.h"

namespace sockhook::auth {

// What a request says of its signature.
struct SigV4Signature {
  std::string access_key_id;
  std::string scope;      // DATE/REGION/execute-api/aws4_request
  std::string timestamp;  // 20260101T120000Z
  std::int64_t signed_at_s = 0;
  std::int64_t valid_s = 0;  // how long after that
  std::vector<std::string> signed_headers;
  std::string signature;  // lower-case hex
  bool is_presigned = false;
};

enum class SigV4Error : std::uint8_t {
  kMissing,    // the request is not signed in this way
  kMalformed,  // incomplete or contradictory
  kExpired,    // or from the future: over 5 minutes away, or presigned and over its time
  kPayload,    // x-amz-content-sha256 is not the body's hash
  kMismatch,   // another secret, or another request
};

struct SigV4Failure {
  SigV4Error error;
  std::string detail;  // for the caller who debugs: what is missing, or the canonical forms
};

// How far the clocks may be apart, both ways.
inline constexpr std::int64_t kSigV4SkewSeconds = 300;
// AWS' own limit of X-Amz-Expires: a week.
inline constexpr std::int64_t kSigV4MaxExpirySeconds = 604'800;

// kMissing and kMalformed are found here.
Result<SigV4Signature, SigV4Failure> read_sigv4(const http::RequestHead& head);

// Holds the request against the secret. An error is kExpired, kPayload or kMismatch.
Result<bool, SigV4Failure> verify_sigv4(const SigV4Signature& signature,
                                        std::string_view secret_access_key,
                                        const http::RequestHead& head, std::string_view body,
                                        std::int64_t now_s);

}  // namespace sockhook::auth
