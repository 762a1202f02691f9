// LambdaResult: what a function returned through an HTTP host such as the runtime interface
// emulator (contract 4.2; A1, A4, A8).
//
// Values, any thread.

#pragma once

#include <optional>
#include <string>

#include "protocol/base/result.h"
#include "protocol/http/http_message.h"

namespace sockhook::webhook {

struct LambdaResult {
  std::optional<int> status;  // statusCode, 200 to 599
  http::Headers headers;      // multiValueHeaders and headers together
  std::string body;           // decoded
  bool is_binary = false;     // isBase64Encoded
};

// The error says what is malformed. `{statusCode, headers, multiValueHeaders, body,
// isBase64Encoded}`, each absent or null at will, but neither statusCode nor body is no result.
// statusCode is a number or digits in a string; headers have strings, numbers or booleans.
// `errorMessage` is how a runtime reports that the function threw.
Result<LambdaResult, std::string> parse_lambda_result(const std::string& json);

}  // namespace sockhook::webhook
