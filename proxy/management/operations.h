// Operations: the table of everything that the management API can do. openapi.json describes the
// same operations; a test keeps the two equal.
//
// Immutable; any thread.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/management/authenticator.h"
#include "proxy/management/call_input.h"
#include "proxy/management/command.h"
#include "proxy/management/outcome_answer.h"

namespace sockhook::management {

enum class OperationKind : std::uint8_t {
  kSend,     // a command with a payload; idempotency keys apply
  kCommand,  // any other command, with a small answer
  kListing,  // a command whose answer may be long
  kBatch,
  kOpenApi,
};

struct Operation {
  std::string_view method;
  std::string_view pattern;  // "/v1/groups/{group}": a brace is one segment
  OperationKind kind;
  Access access;
  Dialect dialect;
  // kSend, kCommand, kListing; null in the others.
  Command (*make)(CallInput& input);
  AnswerResult (*answer)(const push::PushOutcome& outcome, const AnswerContext& context);
};

std::span<const Operation> operations();

// A path, taken apart: split at slashes first and decoded then, so that %2F is part of a name.
struct ApiPath {
  std::vector<std::string> segments;
  bool is_malformed = false;  // a broken escape, or no path at all

  static ApiPath parse(std::string_view raw);
  // Whose errors the caller expects.
  Dialect dialect() const;
};

struct Match {
  const Operation* operation = nullptr;
  std::vector<std::string> parameters;  // decoded, as the pattern names them
  std::string allowed_methods;          // for Allow, when only the method does not fit
};

// HEAD is GET. Without an operation and without methods: there is no such path.
Match find_operation(std::string_view method, const ApiPath& path);

}  // namespace sockhook::management
