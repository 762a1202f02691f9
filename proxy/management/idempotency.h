// Idempotency keys (contract 6): what a key is, which request it stands for, which answers are
// kept.
//
// Pure functions, any thread.

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "backplane/backplane.h"
#include "proxy/management/answer.h"
#include "proxy/management/call_input.h"

namespace sockhook::management {

// 1 to 255 visible ASCII characters.
bool is_valid_idempotency_key(std::string_view key);

// The record of a send. A key belongs to the endpoints that its token reaches, so that tenants with
// tokens of their own cannot meet. The fingerprint covers the target with its query, the kind of
// the message and its bytes.
backplane::Claim claim_of(std::string_view key, const push::Scope& scope, std::string_view target,
                          const CallRequest& request);

// True for answers that a repeat gets: the outcome is known, and sending again would not help.
bool is_remembered(const Answer& answer, const push::PushOutcome& outcome);

}  // namespace sockhook::management
