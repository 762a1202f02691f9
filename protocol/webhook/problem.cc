#include "protocol/webhook/problem.h"

#include "protocol/http/http_message.h"
#include "protocol/webhook/json_writer.h"

namespace sockhook::webhook {

std::string problem_body(int status, std::string_view code, std::string_view detail) {
  std::string body = R"({"type":"about:blank","title":)";
  append_json_string(body, http::reason_phrase(status));
  body += R"(,"status":)";
  body += std::to_string(status);
  body += R"(,"code":)";
  append_json_string(body, code);
  if (!detail.empty()) {
    body += R"(,"detail":)";
    append_json_string(body, detail);
  }
  body += '}';
  return body;
}

}  // namespace sockhook::webhook
