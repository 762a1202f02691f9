// Answer: what the management API and the admin listener answer, before it is HTTP.
//
// A value; control loop's thread.

#pragma once

#include <string>
#include <string_view>

#include "protocol/http/http_message.h"
#include "protocol/webhook/problem.h"

namespace sockhook::management {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProblemJson = webhook::kProblemContentType;

struct Answer {
  int status = 200;
  std::string body;
  std::string_view content_type = kJson;  // static text; not sent without a body
  http::Headers headers = {};             // further ones: Allow, Retry-After, ...
};

}  // namespace sockhook::management
