// CallInput: reads and checks what came with a call: path, query, body.
//
// The first mistake sticks: readers give harmless values afterwards, and error() tells. So a
// handler reads all that it needs and is asked for its error once.
// Unknown query parameters are ignored; those that are known must be well-formed and not stand
// twice (contract 6).
//
// Lives for one synchronous step; everything it refers to is its maker's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/webhook/connection_id.h"
#include "protocol/websocket/frame_encoder.h"
#include "proxy/management/api_error.h"
#include "proxy/management/authenticator.h"

namespace sockhook::management {

enum class PayloadKind : std::uint8_t {
  kText,    // must be UTF-8
  kBinary,  //
  kDetect,  // text when it is UTF-8, else binary: @connections
};

struct CallRequest {
  std::span<const std::string> path_parameters;  // decoded
  std::string_view query;                        // without '?'
  std::string_view payload;
  PayloadKind payload_kind = PayloadKind::kText;
  std::span<const std::string> excluded;  // of a batch line, beside the query's
};

class CallInput {
 public:
  static constexpr std::size_t kMaxExcluded = 1000;
  static constexpr std::size_t kMaxReasonBytes = 123;

  CallInput(const CallRequest& request, const Caller& caller)
      : request_(request), caller_(caller) {}

  const std::optional<ApiError>& error() const { return error_; }

  // ---- path ----
  // The last path parameter.
  webhook::ConnectionId connection_id();
  // A group or user: the path parameter of that index.
  std::string name(std::size_t index);

  // ---- query ----
  // Empty when absent.
  std::string name_filter(std::string_view parameter);
  std::string endpoint();  // in the caller's reach
  std::string cursor();
  std::size_t limit();
  std::uint16_t close_code();
  std::string close_reason();
  bool is_awaited();  // not ?wait=none
  push::ExcludedIds excluded();

  // ---- body ----
  // Encoded once, whoever gets it.
  websocket::SharedFrame frame();
  std::size_t payload_bytes() const { return request_.payload.size(); }

 private:
  void fail(ErrorCode code, std::string detail);
  // The decoded value of a parameter that may stand once; nullopt when absent.
  std::optional<std::string> parameter(std::string_view name);
  std::optional<std::uint32_t> number(std::string_view name);

  const CallRequest& request_;
  const Caller& caller_;
  std::optional<ApiError> error_;
};

}  // namespace sockhook::management
