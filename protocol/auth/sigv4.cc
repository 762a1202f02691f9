#include "protocol/auth/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "protocol/base/hex.h"
#include "protocol/http/percent.h"
#include "protocol/http/target.h"

namespace sockhook::auth {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kScopeEnd = "/execute-api/aws4_request";
constexpr std::size_t kTimestampSize = 16;  // 20260101T120000Z
constexpr std::size_t kDateSize = 8;

Failure<SigV4Failure> fail(SigV4Error error, std::string detail) {
  return Failure{SigV4Failure{error, std::move(detail)}};
}

std::string hex(std::string_view bytes) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string sha256_hex(std::string_view data) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data());
  return to_hex(digest);
}

std::string hmac(std::string_view key, std::string_view data) {
  std::string mac(SHA256_DIGEST_LENGTH, '\0');
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(data.data()), data.size(),
       reinterpret_cast<unsigned char*>(mac.data()), nullptr);
  return mac;
}

// "20260101T120000Z" as seconds since the epoch.
std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  if (text.size() != kTimestampSize || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto number = [&](std::size_t from, std::size_t digits, unsigned* value) {
    const char* const end = text.data() + from + digits;
    const auto [rest, error] = std::from_chars(text.data() + from, end, *value);
    return error == std::errc() && rest == end;
  };
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!number(0, 4, &year) || !number(4, 2, &month) || !number(6, 2, &day) ||
      !number(9, 2, &hour) || !number(11, 2, &minute) || !number(13, 2, &second)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86'400} +
         hour * 3600 + minute * 60 + second;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "KEY/DATE/REGION/execute-api/aws4_request"
bool take_credential(std::string_view credential, SigV4Signature* signature) {
  const std::size_t slash = credential.find('/');
  if (slash == 0 || slash == std::string_view::npos) return false;
  signature->access_key_id = credential.substr(0, slash);
  signature->scope = credential.substr(slash + 1);
  return signature->scope.ends_with(kScopeEnd) && split(signature->scope, '/').size() == 4;
}

// Both forms have the same parts and the same demands on them.
Result<SigV4Signature, SigV4Failure> complete(SigV4Signature signature, std::string_view credential,
                                              std::string_view signed_headers) {
  if (!take_credential(credential, &signature)) {
    return fail(SigV4Error::kMalformed,
                "Credential must be KEY/DATE/REGION/execute-api/aws4_request");
  }
  const auto signed_at_s = parse_timestamp(signature.timestamp);
  if (!signed_at_s) return fail(SigV4Error::kMalformed, "X-Amz-Date must be like 20260101T120000Z");
  signature.signed_at_s = *signed_at_s;
  if (signature.timestamp.substr(0, kDateSize) != signature.scope.substr(0, kDateSize)) {
    return fail(SigV4Error::kMalformed, "Date in Credential scope does not match X-Amz-Date");
  }
  signature.signed_headers = split(signed_headers, ';');
  const auto& names = signature.signed_headers;
  if (std::find(names.begin(), names.end(), "host") == names.end()) {
    return fail(SigV4Error::kMalformed, "'Host' must be a 'SignedHeader'");
  }
  return signature;
}

Result<SigV4Signature, SigV4Failure> read_header(const http::RequestHead& head,
                                                 std::string_view authorization) {
  SigV4Signature signature;
  std::string_view credential;
  std::string_view signed_headers;
  std::string_view rest = authorization.substr(kAlgorithm.size());
  while (const auto part = http::next_list_element(rest)) {
    if (part->starts_with("Credential=")) credential = part->substr(11);
    if (part->starts_with("SignedHeaders=")) signed_headers = part->substr(14);
    if (part->starts_with("Signature=")) signature.signature = part->substr(10);
  }
  const std::string* date = head.headers.find("X-Amz-Date");
  if (credential.empty() || signed_headers.empty() || signature.signature.empty() ||
      date == nullptr) {
    return fail(SigV4Error::kMalformed,
                "Authorization needs Credential, SignedHeaders and Signature, beside X-Amz-Date");
  }
  signature.timestamp = *date;
  signature.valid_s = kSigV4SkewSeconds;
  return complete(std::move(signature), credential, signed_headers);
}

Result<SigV4Signature, SigV4Failure> read_query(std::string_view query) {
  const auto parameter = [&](std::string_view name) {
    return http::query_parameter(query, name).value_or("");
  };
  SigV4Signature signature;
  signature.is_presigned = true;
  signature.timestamp = parameter("X-Amz-Date");
  signature.signature = parameter("X-Amz-Signature");
  const std::string expires = parameter("X-Amz-Expires");
  const auto [rest, error] =
      std::from_chars(expires.data(), expires.data() + expires.size(), signature.valid_s);
  if (error != std::errc() || rest != expires.data() + expires.size() || signature.valid_s < 1 ||
      signature.valid_s > kSigV4MaxExpirySeconds) {
    return fail(SigV4Error::kMalformed, "X-Amz-Expires must be 1 to 604800 seconds");
  }
  return complete(std::move(signature), parameter("X-Amz-Credential"),
                  parameter("X-Amz-SignedHeaders"));
}

// ---- the canonical request

// Without empty and dot segments, and each byte that is not unreserved encoded: again, where the
// client had encoded it.
std::string canonical_path(std::string_view path) {
  std::vector<std::string> kept;
  for (std::string& segment : split(path, '/')) {
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(std::move(segment));
    }
  }
  std::string canonical;
  for (const std::string& segment : kept) canonical += "/" + http::percent_encode(segment);
  if (canonical.empty() || path.ends_with('/')) canonical += '/';
  return canonical;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  http::QueryCursor cursor(query);
  while (const auto parameter = cursor.next()) {
    const auto again = [](std::string_view text) {
      return http::percent_encode(http::percent_decode_leniently(text));
    };
    if (parameter->name == "X-Amz-Signature") continue;
    parameters.emplace_back(again(parameter->name), again(parameter->value));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string canonical;
  for (const auto& [name, value] : parameters) {
    if (!canonical.empty()) canonical += '&';
    canonical.append(name).append("=").append(value);
  }
  return canonical;
}

// Trimmed, with one space where there were several.
std::string canonical_value(std::string_view value) {
  std::string canonical;
  for (const char c : http::trim(value)) {
    if (c == ' ' && canonical.ends_with(' ')) continue;
    canonical += c;
  }
  return canonical;
}

std::string canonical_headers(const http::Headers& headers, const std::vector<std::string>& names) {
  std::string canonical;
  for (const std::string& name : names) {
    std::string values;
    for (const std::string_view value : headers.find_all(name)) {
      if (!values.empty()) values += ',';
      values += canonical_value(value);
    }
    canonical.append(name).append(":").append(values).append("\n");
  }
  return canonical;
}

std::string join(const std::vector<std::string>& parts, char separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

std::string signing_key(std::string_view secret, const std::string& scope) {
  std::string key = "AWS4" + std::string(secret);
  for (const std::string& part : split(scope, '/')) key = hmac(key, part);
  return key;
}

}  // namespace

Result<SigV4Signature, SigV4Failure> read_sigv4(const http::RequestHead& head) {
  const std::string_view query = http::split_target(head.target).query;
  const std::string* authorization = head.headers.find("Authorization");
  if (authorization != nullptr && authorization->starts_with(kAlgorithm)) {
    return read_header(head, *authorization);
  }
  if (http::query_parameter(query, "X-Amz-Algorithm") == kAlgorithm) return read_query(query);
  return fail(SigV4Error::kMissing, {});
}

Result<bool, SigV4Failure> verify_sigv4(const SigV4Signature& signature,
                                        std::string_view secret_access_key,
                                        const http::RequestHead& head, std::string_view body,
                                        std::int64_t now_s) {
  const std::int64_t age_s = now_s - signature.signed_at_s;
  if (age_s > signature.valid_s || age_s < -kSigV4SkewSeconds) {
    return fail(SigV4Error::kExpired, "Signature expired: " + signature.timestamp +
                                          " is too far from this server's time");
  }
  const std::string payload = sha256_hex(body);
  const std::string* declared = head.headers.find("X-Amz-Content-SHA256");
  if (declared != nullptr && *declared != payload) {
    return fail(SigV4Error::kPayload, "x-amz-content-sha256 is not the hash of the body");
  }
  const http::Target target = http::split_target(head.target);
  const std::string request = head.method + "\n" + canonical_path(target.path) + "\n" +
                              canonical_query(target.query) + "\n" +
                              canonical_headers(head.headers, signature.signed_headers) + "\n" +
                              join(signature.signed_headers, ';') + "\n" + payload;
  const std::string text = std::string(kAlgorithm) + "\n" + signature.timestamp + "\n" +
                           signature.scope + "\n" + sha256_hex(request);
  const std::string expected = hex(hmac(signing_key(secret_access_key, signature.scope), text));
  if (signature.signature.size() == expected.size() &&
      CRYPTO_memcmp(signature.signature.data(), expected.data(), expected.size()) == 0) {
    return true;
  }
  return fail(SigV4Error::kMismatch,
              "The request signature we calculated does not match the signature you provided. "
              "Check your AWS Secret Access Key and signing method.\n\nThe Canonical String for "
              "this request should have been\n'" +
                  request + "'\n\nThe String-to-Sign should have been\n'" + text + "'\n");
}

}  // namespace sockhook::auth
