#include "proxy/management/api_error.h"

#include <openssl/rand.h>

#include <array>
#include <string_view>

#include "protocol/base/check.h"
#include "protocol/base/hex.h"
#include "protocol/webhook/json_writer.h"
#include "protocol/webhook/problem.h"

namespace sockhook::management {
namespace {

struct CatalogueRow {
  ErrorCode code;
  int status;
  std::string_view name;
  int aws_status;
  std::string_view aws_type;
  std::string_view aws_message;  // where there is no detail
};

// API Gateway has no 401, 404 and 422 here: what it does not know to be allowed is forbidden.
constexpr CatalogueRow kCatalogue[] = {
    {ErrorCode::kBadRequest, 400, "bad_request", 400, "BadRequestException", "Bad Request"},
    {ErrorCode::kInvalidConnectionId, 400, "invalid_connection_id", 400, "BadRequestException",
     "Invalid connectionId"},
    {ErrorCode::kInvalidName, 400, "invalid_name", 400, "BadRequestException", "Bad Request"},
    {ErrorCode::kInvalidText, 400, "invalid_text", 400, "BadRequestException", "Bad Request"},
    {ErrorCode::kMissingToken, 401, "unauthorized", 403, "MissingAuthenticationTokenException",
     "Missing Authentication Token"},
    {ErrorCode::kInvalidToken, 401, "unauthorized", 403, "UnrecognizedClientException",
     "The security token included in the request is invalid."},
    {ErrorCode::kInvalidSignature, 401, "unauthorized", 403, "InvalidSignatureException",
     "The request signature is invalid."},
    {ErrorCode::kForbidden, 403, "forbidden", 403, "ForbiddenException", "Forbidden"},
    {ErrorCode::kNotFound, 404, "not_found", 403, "ForbiddenException", "Forbidden"},
    {ErrorCode::kMethodNotAllowed, 405, "method_not_allowed", 405, "MethodNotAllowedException",
     "Method Not Allowed"},
    {ErrorCode::kGone, 410, "gone", 410, "GoneException", "Gone"},
    {ErrorCode::kTooLarge, 413, "too_large", 413, "PayloadTooLargeException", "Payload Too Large"},
    {ErrorCode::kKeyReused, 422, "idempotency_key_reused", 400, "BadRequestException",
     "Bad Request"},
    {ErrorCode::kSlowClient, 429, "slow_client", 429, "LimitExceededException",
     "The client's queue is full"},
    {ErrorCode::kOverloaded, 503, "overloaded", 503, "ServiceUnavailableException",
     "Service Unavailable"},
    {ErrorCode::kUnavailable, 503, "unavailable", 503, "ServiceUnavailableException",
     "Service Unavailable"},
    {ErrorCode::kTimedOut, 504, "timed_out", 504, "GatewayTimeoutException",
     "Endpoint request timed out"},
};

const CatalogueRow& row_of(ErrorCode code) {
  const CatalogueRow& row = kCatalogue[static_cast<std::size_t>(code)];
  SOCKHOOK_CHECK(row.code == code);
  return row;
}

Answer aws_answer(const CatalogueRow& row, const ApiError& error) {
  Answer answer{row.aws_status, {}};
  answer.headers.add("x-amzn-ErrorType", row.aws_type);
  const std::string_view message = error.detail.empty() ? row.aws_message : error.detail;
  answer.body = "{\"message\":" + webhook::json_string(message) + "}";
  return answer;
}

Answer problem_answer(const CatalogueRow& row, const ApiError& error) {
  Answer answer{row.status, webhook::problem_body(row.status, row.name, error.detail),
                kProblemJson};
  if (row.status == 401) answer.headers.add("WWW-Authenticate", "Bearer");
  return answer;
}

}  // namespace

Answer to_answer(const ApiError& error, Dialect dialect) {
  const CatalogueRow& row = row_of(error.code);
  Answer answer =
      dialect == Dialect::kApiGateway ? aws_answer(row, error) : problem_answer(row, error);
  if (answer.status == 503) answer.headers.add("Retry-After", "1");
  return answer;
}

void add_request_id(Answer& answer) {
  std::array<unsigned char, 16> bytes{};
  SOCKHOOK_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  std::string id = to_hex(bytes);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) id.insert(dash, 1, '-');
  answer.headers.add("x-amzn-RequestId", id);
}

}  // namespace sockhook::management
