// ListCursor: where a page of a listing over nodes begins: a node, and a place within it.
//
// As text "NODE.PLACE": the node's key in hexadecimal digits, then the cursor of its own router.
// Opaque to callers.
//
// A value; any thread.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backplane/cluster.h"
#include "protocol/base/hex.h"

namespace sockhook::cluster {

struct ListCursor {
  backplane::NodeKey node;  // the first of all, while there is no cursor
  std::string place;        // empty: at the node's beginning

  // Nothing for what no listing has given. "" is the beginning.
  static std::optional<ListCursor> parse(std::string_view text);
  std::string to_string() const { return to_hex(node.bytes) + "." + place; }
};

}  // namespace sockhook::cluster
