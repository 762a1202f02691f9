// Command: what a call asks of connections, ready for the PushRouter.
//
// A value; control loop's thread.

#pragma once

#include <string>

#include "proxy/push/push_command.h"

namespace sockhook::management {

struct Command {
  decltype(push::PushCommand::action) action;
  std::string cursor;      // List: where the page begins
  bool is_awaited = true;  // Send: false answers 202 without waiting for the outcome
};

}  // namespace sockhook::management
