// Outcomes of push commands as answers: status codes and the exact JSON of contract 6 and A13.
//
// Pure functions, any thread.

#pragma once

#include <string_view>

#include "protocol/base/result.h"
#include "proxy/management/api_error.h"
#include "proxy/push/push_command.h"
#include "proxy/push/push_router.h"

namespace sockhook::management {

// What an answer tells besides the outcome.
struct AnswerContext {
  std::string_view subject;  // the group or user that was asked about
};

using AnswerResult = Result<Answer, ApiError>;

// ---- Sockhook's own API ----
AnswerResult answer_sent(const push::PushOutcome& outcome, const AnswerContext& context);
AnswerResult answer_fan_out(const push::PushOutcome& outcome, const AnswerContext& context);
// 204 for changes that need no words.
AnswerResult answer_changed(const push::PushOutcome& outcome, const AnswerContext& context);
AnswerResult answer_connection(const push::PushOutcome& outcome, const AnswerContext& context);
AnswerResult answer_list(const push::PushOutcome& outcome, const AnswerContext& context);
AnswerResult answer_group(const push::PushOutcome& outcome, const AnswerContext& context);
AnswerResult answer_user(const push::PushOutcome& outcome, const AnswerContext& context);
// ?wait=none.
Answer answer_submitted();

// ---- @connections ----
AnswerResult answer_aws_sent(const push::PushOutcome& outcome, const AnswerContext& context);
AnswerResult answer_aws_connection(const push::PushOutcome& outcome, const AnswerContext& context);

ApiError to_error(push::RouteFailure failure);

}  // namespace sockhook::management
