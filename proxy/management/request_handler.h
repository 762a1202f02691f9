// RequestHandler: what stands behind a listener of ours: the management API, or the admin pages.
//
// Thread: the control loop's. A handler outlives the connections that call it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/http/http_message.h"
#include "proxy/management/answer.h"

namespace sockhook::management {

using CallId = std::uint64_t;

class CallListener {
 public:
  // The call's command is on its way: whatever is started from now on arrives behind it.
  virtual void on_call_submitted(CallId) {}
  // Exactly once, unless the call was forgotten; never from inside the call's own start.
  virtual void on_call_answered(CallId call, Answer& answer) = 0;

 protected:
  ~CallListener() = default;
};

// How a call stands when its start returns.
struct Started {
  CallId call = 0;
  std::optional<Answer> answer;  // given: the call is over and no event follows
};

class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  // The head of a request has come: an answer refuses it before its body is read.
  virtual std::optional<Answer> refuse(const http::RequestHead& head) = 0;
  // The whole request, which was not refused. `is_oversized`: the body is longer than the listener
  // takes, and `body` is empty.
  virtual Started handle(const http::RequestHead& head, std::string body, bool is_oversized,
                         CallListener* listener) = 0;
  // Whoever waited has gone. The call runs on; its answer is dropped.
  virtual void forget(CallId call) = 0;
  // An answer goes out.
  virtual void count_answer(int /*status*/) {}
};

}  // namespace sockhook::management
