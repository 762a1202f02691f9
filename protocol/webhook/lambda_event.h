// The JSON of API Gateway's WebSocket events with Lambda proxy integration (contract 4.2; A7, A8):
// same keys, same omissions, same types.
//
// Pure functions, any thread.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "protocol/webhook/event.h"

namespace sockhook::webhook {

// What only this format says; views and pointers, valid for the call.
struct LambdaContext {
  using Variables = std::map<std::string, std::string, std::less<>>;

  std::string_view api_id;
  std::string_view stage;
  std::string_view domain_name;
  const Variables* stage_variables = nullptr;  // null or empty: the key is absent
  std::int64_t connected_at_ms = 0;
  std::string_view user_agent;
  // A token's claims as flat text, for requestContext.authorizer beside principalId and state.
  const Variables* claims = nullptr;
};

std::string lambda_event(const Event& event, const LambdaContext& context);

// disconnectReason as API Gateway words it (A2); `reason` is the close frame's.
std::string_view lambda_close_reason(std::uint16_t code, std::string_view reason);

}  // namespace sockhook::webhook
