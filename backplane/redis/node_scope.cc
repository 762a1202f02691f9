#include "backplane/redis/node_scope.h"

namespace sockhook::backplane {

bool pass_on_fence(NodeScope& scope, const redis::Reply& reply) {
  if (!reply.is_error("FENCED")) return false;
  const bool is_replaced = reply.error().find("FENCED replaced") != std::string_view::npos;
  scope.owner->on_fenced(is_replaced ? FenceReason::kReplaced : FenceReason::kLost);
  return true;
}

void pass_on_forgotten(NodeScope& scope, const redis::Reply& reply) {
  if (reply.is_error("FORGOTTEN")) scope.owner->on_forgotten();
}

}  // namespace sockhook::backplane
