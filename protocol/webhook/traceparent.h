// W3C Trace Context, level 1: `traceparent` and `tracestate` (contract 4).
//
// A connection keeps the trace of its handshake; every webhook is a new span in it.
// Values, any thread. Randomness comes from the caller.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/http/http_message.h"

namespace sockhook::webhook {

inline constexpr std::size_t kMaxTracestateBytes = 512;
inline constexpr std::size_t kMaxTracestateMembers = 32;

using SpanId = std::array<std::uint8_t, 8>;

struct Trace {
  std::array<std::uint8_t, 16> id{};
  bool is_sampled = false;

  // 32 lower-case hex digits.
  std::string id_text() const;

  friend bool operator==(const Trace&, const Trace&) = default;
};

// The trace of a traceparent header; nullopt when it is malformed.
std::optional<Trace> parse_traceparent(std::string_view text);

struct TraceContext {
  Trace trace;
  std::string tracestate;  // empty: not sent
};
// What a client's handshake says, or a new trace of the id `fresh` where it says nothing valid.
// A tracestate that is malformed is dropped; of one that is too long, the members that fit stay.
TraceContext trace_of_handshake(const http::Headers& headers,
                                const std::array<std::uint8_t, 16>& fresh);

// "00-<trace>-<span>-01". An all-zero span, which the format forbids, becomes 1.
std::string traceparent(const Trace& trace, const SpanId& span);

}  // namespace sockhook::webhook
