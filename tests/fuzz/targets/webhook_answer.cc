// What a backend answers to a webhook, in both formats: frames, effects, refusals.
//
// Checked: text frames and close reasons are UTF-8, names and codes are valid, a state is within
// its limit, a subprotocol was offered, and nothing that only we may say passes to the client.
//
// Byte 0: the format; byte 1 and 2: the status; then headers, an empty line, the body.

#include "protocol/webhook/webhook_answer.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "protocol/base/check.h"
#include "protocol/http/header_rules.h"
#include "protocol/webhook/names.h"
#include "protocol/websocket/close_code.h"
#include "protocol/websocket/frame_format.h"
#include "protocol/websocket/utf8.h"
#include "tests/fuzz/http_input.h"

namespace {

using namespace sockhook::webhook;
// namespace
namespace http = sockhook::http;
namespace websocket = sockhook::websocket;

void check_effects(const Effects& effects) {
  if (effects.state) SOCKHOOK_CHECK(effects.state->size() <= kMaxStateBytes);
  if (effects.user) SOCKHOOK_CHECK(is_valid_name(*effects.user));
  for (const GroupChange& change : effects.groups) SOCKHOOK_CHECK(is_valid_name(change.group));
  for (const std::string& mistake : effects.mistakes) {
    SOCKHOOK_CHECK(std::none_of(mistake.begin(), mistake.end(),
                                [](unsigned char c) { return c < 0x20 || c == 0x7F; }));
  }
  if (!effects.close) return;
  SOCKHOOK_CHECK(websocket::is_valid_close_code(effects.close->code));
  SOCKHOOK_CHECK(effects.close->reason.size() <= websocket::kMaxCloseReasonBytes);
  SOCKHOOK_CHECK(websocket::is_valid_utf8(effects.close->reason));
}

void check_frames(const std::vector<OutFrame>& frames) {
  for (const OutFrame& frame : frames) {
    SOCKHOOK_CHECK(frame.is_binary || websocket::is_valid_utf8(frame.payload));
    SOCKHOOK_CHECK(!frame.payload.empty());
  }
}

void check_message(const MessageAnswer& answer) {
  check_frames(answer.frames);
  check_effects(answer.effects);
  if (answer.outcome != MessageAnswer::Outcome::kFrames) SOCKHOOK_CHECK(!answer.error.empty());
  if (answer.is_failure()) SOCKHOOK_CHECK(answer.effects.empty() && !answer.why.empty());
}

void check_connect(const ConnectAnswer& answer, const websocket::Subprotocols& offered) {
  check_frames(answer.frames);
  check_effects(answer.effects);
  switch (answer.outcome) {
    case ConnectAnswer::Outcome::kAccepted:
      SOCKHOOK_CHECK(answer.subprotocol.empty() ||
                     websocket::is_offered(offered, answer.subprotocol));
      break;
    case ConnectAnswer::Outcome::kRefused:
      SOCKHOOK_CHECK(answer.status >= 300 && answer.status <= 999);
      for (const http::Header& header : answer.headers) {
        SOCKHOOK_CHECK(!http::is_hop_by_hop(header.name));
        SOCKHOOK_CHECK(!http::starts_with_ignoring_case(header.name, "sockhook-"));
      }
      break;
    case ConnectAnswer::Outcome::kFailed:
      SOCKHOOK_CHECK(!answer.why.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sockhook::fuzz::Input input(data, size);
  const Format format = (input.byte() & 1) != 0 ? Format::kLambda : Format::kEvents;
  HttpAnswer answer;
  answer.status = 100 + 100 * (input.byte() % 5);
  answer.status += input.byte() % 100;
  answer.headers = sockhook::fuzz::take_headers(input);
  answer.body = input.rest();
  const websocket::Subprotocols offered = {"v1", "v2"};
  check_message(interpret_message_answer(format, answer));
  check_connect(interpret_connect_answer(format, answer, offered), offered);
  return 0;
}
