#include "protocol/webhook/event.h"

namespace sockhook::webhook {

std::string_view to_string(ClosedBy by) {
  switch (by) {
    case ClosedBy::kClient:
      return "client";
    case ClosedBy::kBackend:
      return "backend";
    case ClosedBy::kProxy:
      break;
  }
  return "proxy";
}

std::string event_id(const Event& event) {
  std::string id(event.connection_id);
  switch (event.kind) {
    case EventKind::kConnect:
      id += "-0";
      break;
    case EventKind::kMessage:
      id += '-';
      id += std::to_string(event.number);
      break;
    case EventKind::kDisconnect:
      id += "-end";
      break;
  }
  return id;
}

std::string_view route_key(const Event& event) {
  switch (event.kind) {
    case EventKind::kConnect:
      return "$connect";
    case EventKind::kDisconnect:
      return "$disconnect";
    case EventKind::kMessage:
      break;
  }
  return event.route_key;
}

std::string_view ce_type(EventKind kind) {
  switch (kind) {
    case EventKind::kConnect:
      return "io.sockhook.connect";
    case EventKind::kDisconnect:
      return "io.sockhook.disconnect";
    case EventKind::kMessage:
      break;
  }
  return "io.sockhook.message";
}

std::string ce_source(const Event& event) {
  std::string source = "/nodes/";
  source.append(event.node).append("/endpoints/").append(event.endpoint);
  return source;
}

std::string_view content_type(const Event& event) {
  if (!event.content_type.empty()) return event.content_type;
  if (event.is_binary) return "application/octet-stream";
  return event.is_json ? "application/json" : "text/plain; charset=utf-8";
}

}  // namespace sockhook::webhook
