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

}  // namespace sockhook::webhook
