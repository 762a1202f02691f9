#include "proxy/management/management_api.h"

#include <utility>

#include "protocol/http/target.h"
#include "proxy/management/idempotency.h"
#include "proxy/management/openapi.h"

namespace sockhook::management {
namespace {

PayloadKind payload_kind(const Operation& operation, const http::Headers& headers) {
  if (operation.dialect == Dialect::kApiGateway) return PayloadKind::kDetect;
  const std::string* type = headers.find("Content-Type");
  if (type == nullptr) return PayloadKind::kText;
  const std::string_view media_type =
      http::trim(std::string_view(*type).substr(0, type->find(';')));
  return http::equals_ignoring_case(media_type, "application/octet-stream") ? PayloadKind::kBinary
                                                                            : PayloadKind::kText;
}

ApiError over_body_size() { return {ErrorCode::kTooLarge, "the body is over body_size"}; }

Answer bad_key() {
  return to_answer({ErrorCode::kBadRequest,
                    "an idempotency key has 1 to 255 visible ASCII characters and stands once"},
                   Dialect::kSockhook);
}

// True for what a repeat of the call would meet as well.
bool is_lasting(const ApiError& error) {
  return error.code == ErrorCode::kGone || error.code == ErrorCode::kTooLarge;
}

}  // namespace

ManagementApi::ManagementApi(const conf::Config& config, push::PushRouter& router,
                             backplane::Backplane& backplane, observe::ControlMetrics& metrics)
    : authenticator_(config.management),
      body_size_(config.listen.management.body_size),
      metrics_(metrics),
      runner_(router, backplane, metrics) {}

Result<ManagementApi::Admitted, Answer> ManagementApi::admit(
    std::string_view method, const ApiPath& path, const Result<const Caller*, ApiError>& caller) {
  const Dialect dialect = path.dialect();
  Match match = find_operation(method, path);
  const bool is_open = match.operation != nullptr && match.operation->access == Access::kOpen;
  if (is_open) return Admitted{std::move(match), nullptr};
  // Whoever may not call learns nothing about what there is.
  if (!caller) return Failure{to_answer(caller.error(), dialect)};
  if (path.is_malformed) {
    return Failure{to_answer({ErrorCode::kBadRequest, "the path is malformed"}, dialect)};
  }
  if (match.operation == nullptr) {
    const bool is_known = !match.allowed_methods.empty();
    Answer answer =
        to_answer({is_known ? ErrorCode::kMethodNotAllowed : ErrorCode::kNotFound, {}}, dialect);
    if (is_known) answer.headers.add("Allow", match.allowed_methods);
    return Failure{std::move(answer)};
  }
  if (!(*caller)->may(match.operation->access)) {
    return Failure{to_answer({ErrorCode::kForbidden, {}}, dialect)};
  }
  return Admitted{std::move(match), *caller};
}

std::optional<Answer> ManagementApi::refuse(const http::RequestHead& head) {
  const ApiPath path = ApiPath::parse(http::split_target(head.target).path);
  const auto admitted = admit(head.method, path, authenticator_.authenticate(head, nullptr));
  if (admitted) return {};
  Answer answer = admitted.error();
  if (path.dialect() == Dialect::kApiGateway) add_request_id(answer);
  return answer;
}

void ManagementApi::count_answer(int status) {
  const auto first_digit = static_cast<std::size_t>(status / 100);
  if (first_digit < metrics_.management_answers.size()) {
    metrics_.management_answers[first_digit].add();
  }
}

Started ManagementApi::handle(const http::RequestHead& head, std::string body, bool is_oversized,
                              CallListener* listener) {
  const http::Target target = http::split_target(head.target);
  // A body that is too long is gone: its call is refused, whoever signed it.
  const auto caller = authenticator_.authenticate(head, is_oversized ? nullptr : &body);
  const auto admitted = admit(head.method, ApiPath::parse(target.path), caller);
  if (!admitted) return {0, admitted.error()};
  const Operation& operation = *admitted->match.operation;
  switch (operation.kind) {
    case OperationKind::kOpenApi:
      return {0, Answer{200, std::string(kOpenApiDocument)}};
    case OperationKind::kBatch:
      if (is_oversized) return {0, to_answer(over_body_size(), Dialect::kSockhook)};
      return start_batch(*admitted->caller, std::move(body), listener);
    case OperationKind::kSend:
    case OperationKind::kCommand:
    case OperationKind::kListing:
      break;
  }
  const std::string* key = nullptr;
  if (operation.kind == OperationKind::kSend && operation.dialect == Dialect::kSockhook) {
    key = head.headers.find("Idempotency-Key");
    if (head.headers.count("Idempotency-Key") > 1) return {0, bad_key()};
  }
  const CallRequest request{
      admitted->match.parameters, target.query, body, payload_kind(operation, head.headers), {}};
  return start_command(*admitted, head.target, request, key, is_oversized, listener);
}

Started ManagementApi::start_command(const Admitted& admitted, std::string_view target,
                                     const CallRequest& request, const std::string* idempotency_key,
                                     bool is_oversized, CallListener* listener) {
  CallPlan plan;
  plan.operation = admitted.match.operation;
  plan.scope = admitted.caller->scope;
  if (!admitted.match.parameters.empty()) plan.subject = admitted.match.parameters.front();

  CallInput input(request, *admitted.caller);
  plan.command = plan.operation->make(input);
  plan.verdict = input.error();
  if (!plan.verdict && is_oversized) plan.verdict = over_body_size();
  if (idempotency_key != nullptr) {
    if (!is_valid_idempotency_key(*idempotency_key)) return {0, bad_key()};
    // Mistakes of the call itself are not remembered: corrected, it may use its key.
    if (!plan.verdict || is_lasting(*plan.verdict)) {
      plan.claim = claim_of(*idempotency_key, plan.scope, target, request);
    }
  }
  return runner_.start(std::move(plan), listener);
}

Started ManagementApi::start_batch(const Caller& caller, std::string body, CallListener* listener) {
  if (Batch::count_lines(body) > Batch::kMaxLines) {
    return {0, to_answer({ErrorCode::kTooLarge, "a batch has at most 65536 lines"},
                         Dialect::kSockhook)};
  }
  const CallId id = runner_.new_id();
  LineStarter& starter = *this;
  auto batch = std::make_unique<Batch>(id, caller, std::move(body), body_size_, starter);
  batch->run();
  if (batch->is_done()) return {id, batch->take_answer()};
  batches_.emplace(id, RunningBatch{std::move(batch), listener});
  return {id, {}};
}

StartedLine ManagementApi::start_line(const BatchLine& line, const Caller& caller,
                                      CallListener* listener) {
  const http::Target target = http::split_target(line.path);
  const ApiPath path = ApiPath::parse(target.path);
  const auto admitted = admit(line.method, path, &caller);
  if (!admitted) return {{0, admitted.error()}};
  const Operation& operation = *admitted->match.operation;
  if (operation.make == nullptr || operation.dialect != Dialect::kSockhook) {
    return {{0, to_answer({ErrorCode::kBadRequest, "this is no call for a batch"},
                          Dialect::kSockhook)}};
  }
  const std::string* key = nullptr;
  if (operation.kind == OperationKind::kSend && line.idempotency_key) key = &*line.idempotency_key;
  const CallRequest request{admitted->match.parameters, target.query, line.payload,
                            line.is_binary ? PayloadKind::kBinary : PayloadKind::kText,
                            line.exclude};
  Started started = start_command(*admitted, line.path, request, key, false, listener);
  const bool is_submitted = started.answer || runner_.is_submitted(started.call);
  return {std::move(started), is_submitted, operation.kind == OperationKind::kListing};
}

void ManagementApi::on_batch_done(CallId id) {
  RunningBatch done = std::move(batches_.extract(id).mapped());
  Answer answer = done.batch->take_answer();
  if (done.listener != nullptr) done.listener->on_call_answered(id, answer);
}

void ManagementApi::forget(CallId call) {
  runner_.forget(call);
  const auto batch = batches_.find(call);
  if (batch != batches_.end()) batch->second.listener = nullptr;
}

}  // namespace sockhook::management
