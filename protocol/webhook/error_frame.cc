#include "protocol/webhook/error_frame.h"

#include "protocol/webhook/json_writer.h"

namespace sockhook::webhook {

std::string error_frame(std::string_view message, std::string_view connection_id,
                        std::string_view request_id) {
  // API Gateway puts a space behind the first colon only.
  std::string frame = R"({"message": )";
  append_json_string(frame, message);
  frame += R"(, "connectionId":)";
  append_json_string(frame, connection_id);
  frame += R"(, "requestId":)";
  append_json_string(frame, request_id);
  frame += '}';
  return frame;
}

}  // namespace sockhook::webhook
