// ApiError: everything that can go wrong with a call, and how the two APIs say it.
//
// The catalogue: each code has its status and its stable name, in RFC 9457 problem details for the
// management API (contract 6) and as API Gateway's error type for @connections (A13).
//
// Pure functions, any thread.

#pragma once

#include <cstdint>
#include <string>

#include "proxy/management/answer.h"

namespace sockhook::management {

enum class ErrorCode : std::uint8_t {
  kBadRequest,           // parameters, batch lines
  kInvalidConnectionId,  //
  kInvalidName,          // of a group or user
  kInvalidText,          // a text message that is not UTF-8
  kMissingToken,
  kInvalidToken,
  kInvalidSignature,
  kForbidden,  // operation or endpoint outside the token's access
  kNotFound,
  kMethodNotAllowed,
  kGone,
  kTooLarge,
  kKeyReused,
  kSlowClient,
  kOverloaded,
  kUnavailable,  // a node, or the backplane
  kTimedOut,
};

struct ApiError {
  ErrorCode code;
  std::string detail;  // for people; may be empty
};

// Which API the caller speaks.
enum class Dialect : std::uint8_t { kSockhook, kApiGateway };

Answer to_answer(const ApiError& error, Dialect dialect);

// What every answer of @connections carries: a fresh x-amzn-RequestId.
void add_request_id(Answer& answer);

}  // namespace sockhook::management
