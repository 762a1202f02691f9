#include "protocol/webhook/traceparent.h"

#include <algorithm>

#include "protocol/base/hex.h"

namespace sockhook::webhook {

namespace {

constexpr std::size_t kVersionDigits = 2;
constexpr std::size_t kTraceIdAt = 3;
constexpr std::size_t kSpanIdAt = 36;
constexpr std::size_t kFlagsAt = 53;
constexpr std::size_t kLength = 55;

template <std::size_t N>
bool is_zero(const std::array<std::uint8_t, N>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

// Section 3.3.1.3.1: lower-case letters, digits, `_-*/@`; a letter or digit first.
bool is_tracestate_key(std::string_view key) {
  const auto is_first = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  constexpr std::string_view kOthers = "_-*/@";
  return !key.empty() && key.size() <= 256 && is_first(key.front()) &&
         std::all_of(key.begin(), key.end(), [&](char c) {
           return is_first(c) || kOthers.find(c) != std::string_view::npos;
         });
}

// Section 3.3.1.3.2: printable ASCII without `,` and `=`.
bool is_tracestate_value(std::string_view value) {
  return !value.empty() && value.size() <= 256 &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return c >= 0x20 && c <= 0x7E && c != ',' && c != '='; });
}

bool is_tracestate_member(std::string_view member) {
  const std::size_t equals = member.find('=');
  return equals != std::string_view::npos && is_tracestate_key(member.substr(0, equals)) &&
         is_tracestate_value(member.substr(equals + 1));
}

// The list of all lines; empty when it is malformed.
std::string read_tracestate(const http::Headers& headers) {
  std::string kept;
  std::size_t members = 0;
  for (std::string_view list : headers.find_all("tracestate")) {
    while (const auto member = http::next_list_element(list)) {
      if (!is_tracestate_member(*member) || ++members > kMaxTracestateMembers) return {};
      const std::size_t comma = kept.empty() ? 0 : 1;
      if (kept.size() + comma + member->size() > kMaxTracestateBytes) continue;
      if (comma > 0) kept += ',';
      kept += *member;
    }
  }
  return kept;
}

}  // namespace

std::string Trace::id_text() const {
  std::string text;
  append_hex(text, id);
  return text;
}

std::optional<Trace> parse_traceparent(std::string_view text) {
  if (text.size() < kLength || text[kVersionDigits] != '-' || text[kSpanIdAt - 1] != '-' ||
      text[kFlagsAt - 1] != '-') {
    return std::nullopt;
  }
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  SpanId parent{};
  Trace trace;
  if (!read_hex(text, version) || !read_hex(text.substr(kTraceIdAt), trace.id) ||
      !read_hex(text.substr(kSpanIdAt), parent) || !read_hex(text.substr(kFlagsAt), flags)) {
    return std::nullopt;
  }
  // A later version may have more fields behind another hyphen.
  const bool has_more = text.size() > kLength;
  if (version[0] == 0xFF || (has_more && (version[0] == 0 || text[kLength] != '-')) ||
      is_zero(trace.id) || is_zero(parent)) {
    return std::nullopt;
  }
  trace.is_sampled = (flags[0] & 1U) != 0;
  return trace;
}

TraceContext trace_of_handshake(const http::Headers& headers,
                                const std::array<std::uint8_t, 16>& fresh) {
  TraceContext context;
  const auto lines = headers.find_all("traceparent");
  if (lines.size() == 1) {
    if (const auto trace = parse_traceparent(lines.front())) {
      context.trace = *trace;
      context.tracestate = read_tracestate(headers);
      return context;
    }
  }
  context.trace.id = fresh;
  if (is_zero(fresh)) context.trace.id.back() = 1;
  return context;
}

std::string traceparent(const Trace& trace, const SpanId& span) {
  SpanId id = span;
  if (is_zero(id)) id.back() = 1;
  std::string text = "00-";
  text.reserve(kLength);
  append_hex(text, trace.id);
  text += '-';
  append_hex(text, id);
  text += trace.is_sampled ? "-01" : "-00";
  return text;
}

}  // namespace sockhook::webhook
