// What a backend's answer to a webhook means (contract 3.1, 3.2, 3.4, 4.1 to 4.3).
//
// Values, any thread. The caller hands the answer over: a body becomes a frame without a copy.
// Answers that never came (timed out, unreachable) are the caller's to treat.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http/http_message.h"
#include "protocol/webhook/effects.h"
#include "protocol/websocket/subprotocols.h"

namespace sockhook::webhook {

enum class Format : std::uint8_t { kEvents, kLambda };

struct HttpAnswer {
  int status = 0;
  http::Headers headers;
  std::string body;
  // The head is good, but the body is over `answer_size`, was cut off or came too late.
  bool is_body_lost = false;
};

// Why the body of an answer cannot be read at all; empty when it can.
std::string_view unreadable(const HttpAnswer& answer);

struct OutFrame {
  bool is_binary = false;
  std::string payload;

  friend bool operator==(const OutFrame&, const OutFrame&) = default;
};

struct MessageAnswer {
  enum class Outcome : std::uint8_t {
    kFrames,          // none, one or many, then the close effect
    kErrorFrame,      // a 4xx without a body: `error`, and the effects apply
    kBackendFailure,  // `error` by the endpoint's `errors`; no effects
  };

  Outcome outcome = Outcome::kBackendFailure;
  std::vector<OutFrame> frames;
  std::string_view error;  // the error frame's message; static text
  Effects effects;
  std::string why;  // kBackendFailure: what was wrong, for the log

  bool is_failure() const { return outcome == Outcome::kBackendFailure; }
};

MessageAnswer interpret_message_answer(Format format, HttpAnswer answer);

struct ConnectAnswer {
  enum class Outcome : std::uint8_t {
    kAccepted,  // 101, then the effects and the frames
    kRefused,   // `status`, `headers` and `body` go to the client
    kFailed,    // malformed: the client gets 502
  };

  Outcome outcome = Outcome::kFailed;
  // kAccepted.
  std::string subprotocol;  // that the backend chose, which was offered; empty: none named
  std::vector<std::string> set_cookies;
  std::vector<OutFrame> frames;
  Effects effects;
  // kRefused. Without framing: the writer adds Content-Length.
  int status = 0;
  http::Headers headers;
  std::string body;
  // The backend knows that there is no connection (3xx, 4xx): no $disconnect is sent.
  bool is_refused_by_backend = false;
  std::string why;  // kFailed: what was wrong, for the log

  bool is_accepted() const { return outcome == Outcome::kAccepted; }
};

ConnectAnswer interpret_connect_answer(Format format, HttpAnswer answer,
                                       const websocket::Subprotocols& offered);

// True when a $disconnect need not be sent again: 2xx, and 4xx except 408, 425 and 429.
bool ends_disconnect_retries(int status);

}  // namespace sockhook::webhook
