// Lines of a batch and entries of the stream of operations, up to the command that they become.
//
// Checked: what becomes a command has been accepted without a mistake; a frame carries the message;
// names, codes and limits of commands are valid.
//
// One line of JSON; or, if it begins with a letter, METHOD PATH in one line and the message behind
// it.

#include <cstdint>
#include <string>

#include "protocol/base/check.h"
#include "protocol/http/target.h"
#include "protocol/webhook/names.h"
#include "protocol/websocket/close_code.h"
#include "protocol/websocket/utf8.h"
#include "proxy/management/batch_line.h"
#include "proxy/management/operations.h"
#include "tests/fuzz/input.h"

namespace {

using namespace sockhook;
using management::BatchLine;

void check_target(const push::Target& target) {
  if (const auto* group = std::get_if<push::GroupMembers>(&target)) {
    SOCKHOOK_CHECK(webhook::is_valid_name(group->group));
  }
  if (const auto* user = std::get_if<push::UserConnections>(&target)) {
    SOCKHOOK_CHECK(webhook::is_valid_name(user->user));
  }
}

void check(const push::Send& send, const BatchLine& line) {
  check_target(send.target);
  SOCKHOOK_CHECK(send.frame && send.payload_bytes == line.payload.size());
  const websocket::DecodedFrame frame = websocket::decode_own_frame(*send.frame);
  SOCKHOOK_CHECK(frame.payload == line.payload);
  if (frame.opcode == websocket::Opcode::kText) {
    SOCKHOOK_CHECK(websocket::is_valid_utf8(frame.payload));
  }
  if (send.excluded) {
    SOCKHOOK_CHECK(send.excluded->size() <= management::CallInput::kMaxExcluded);
  }
}

void check(const push::Close& close, const BatchLine&) {
  check_target(close.target);
  SOCKHOOK_CHECK(websocket::is_valid_close_code(close.code));
  SOCKHOOK_CHECK(close.reason.size() <= management::CallInput::kMaxReasonBytes);
  SOCKHOOK_CHECK(websocket::is_valid_utf8(close.reason));
}

void check(const push::List& list, const BatchLine&) {
  SOCKHOOK_CHECK(list.limit >= 1 && list.limit <= 1000);
}

template <typename Action>
void check(const Action&, const BatchLine&) {}

void carry_out(const BatchLine& line) {
  const http::Target target = http::split_target(line.path);
  const management::ApiPath path = management::ApiPath::parse(target.path);
  const management::Match match = management::find_operation(line.method, path);
  if (path.is_malformed || match.operation == nullptr || match.operation->make == nullptr) return;
  management::CallRequest request;
  request.path_parameters = match.parameters;
  request.query = target.query;
  request.payload = line.payload;
  request.payload_kind = match.operation->dialect == management::Dialect::kApiGateway
                             ? management::PayloadKind::kDetect
                         : line.is_binary ? management::PayloadKind::kBinary
                                          : management::PayloadKind::kText;
  request.excluded = line.exclude;
  const management::Caller caller;
  management::CallInput input(request, caller);
  const management::Command command = match.operation->make(input);
  if (input.error()) {
    SOCKHOOK_CHECK(management::to_answer(*input.error(), match.operation->dialect).status >= 400);
    return;
  }
  std::visit([&](const auto& action) { check(action, line); }, command.action);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  if (input.rest().starts_with('{')) {
    const auto line = management::parse_batch_line(input.rest());
    if (line) carry_out(*line);
    if (!line) SOCKHOOK_CHECK(!line.error().empty());
    return 0;
  }
  const std::string_view call = input.line();
  const std::size_t space = std::min(call.find(' '), call.size());
  BatchLine line;
  line.method = call.substr(0, space);
  line.path = call.substr(std::min(space + 1, call.size()));
  line.payload = input.rest();
  line.is_binary = line.payload.starts_with('\0');
  carry_out(line);
  return 0;
}
