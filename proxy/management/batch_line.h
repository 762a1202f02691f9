// BatchLine: one line of POST /v1/batch, and how it is read.
//
// {"method":"POST","path":"/v1/groups/g/messages","text":"hi","exclude":["ID"],
//  "idempotencyKey":"k"}
// `text` or `base64` is the message; members that are not known are ignored. Read by a SAX parser
// that stops at the first nested value that has no business there, so that a line costs no more
// memory than its bytes.
//
// A value; any thread.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace sockhook::management {

struct BatchLine {
  std::string method;
  std::string path;  // with its query
  std::string payload;
  bool is_binary = false;
  std::optional<std::string> idempotency_key;
  std::vector<std::string> exclude;
};

// The error says what is wrong with the line.
Result<BatchLine, std::string> parse_batch_line(std::string_view text);

}  // namespace sockhook::management
