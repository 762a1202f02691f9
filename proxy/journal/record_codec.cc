#include "proxy/journal/record_codec.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "protocol/http/http_writer.h"

namespace sockhook::journal {

using routing::ConnectionFacts;
using webhook::ClosedBy;

namespace {

constexpr char kVersion = '1';

enum Tag : char {
  kEndpoint = 'e',
  kUser = 'u',
  kState = 's',
  kAddress = 'a',
  kHost = 'h',
  kSecure = 'p',  // there: https
  kUserAgent = 'g',
  kTrace = 't',  // 16 bytes, and one that says whether it is sampled
  kTracestate = 'o',
  kHandshakeAt = 'b',
  kClaimName = 'n',
  kClaimText = 'v',  // of the name before it; absent: empty
  kEndCode = 'c',
  kEndReason = 'r',
  kEndBy = 'y',
  kEndAt = 'z',
};

constexpr std::size_t kTraceBytes = sizeof(webhook::Trace::id) + 1;

class Writer {
 public:
  Writer() : out_(1, kVersion) {}

  void text(Tag tag, std::string_view value) {
    if (value.empty()) return;
    out_ += static_cast<char>(tag);
    std::size_t left = value.size();
    for (; left > 0x7f; left >>= 7U) out_ += static_cast<char>((left & 0x7fU) | 0x80U);
    out_ += static_cast<char>(left);
    out_ += value;
  }
  void number(Tag tag, int64_t value) { text(tag, std::to_string(value)); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void write_facts(Writer& out, const ConnectionFacts& facts) {
  out.text(kEndpoint, facts.endpoint->conf.name);
  out.text(kUser, facts.user);
  out.text(kState, facts.state);
  out.text(kAddress, facts.client_text);
  out.text(kHost, facts.host);
  out.text(kSecure, facts.is_secure ? "1" : "");
  out.text(kUserAgent, facts.user_agent);
  std::string trace(facts.trace.trace.id.begin(), facts.trace.trace.id.end());
  trace += facts.trace.trace.is_sampled ? '\1' : '\0';
  out.text(kTrace, trace);
  out.text(kTracestate, facts.trace.tracestate);
  out.number(kHandshakeAt, facts.handshake_at_ms);
  if (!facts.flat_claims) return;
  for (const auto& [name, text] : *facts.flat_claims) {
    out.text(kClaimName, name);
    out.text(kClaimText, text);
  }
}

struct Field {
  char tag = 0;
  std::string_view value;
};

class Reader {
 public:
  explicit Reader(std::string_view data) : rest_(data) {}

  bool is_at_end() const { return rest_.empty(); }
  // False: cut off.
  bool next(Field* field) {
    field->tag = rest_.front();
    rest_.remove_prefix(1);
    std::size_t length = 0;
    if (!take_length(&length) || length > rest_.size()) return false;
    field->value = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

 private:
  bool take_length(std::size_t* length) {
    constexpr unsigned kMaxShift = 28;  // far more than a record can have
    for (unsigned shift = 0; shift <= kMaxShift && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      *length |= static_cast<std::size_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  std::string_view rest_;
};

template <typename Number>
bool read_number(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

// The claims that have been read so far.
struct ReadClaims {
  std::shared_ptr<routing::FlatClaims> all;
  std::string* last = nullptr;  // whose text may follow
};

// What came in a header goes out in one.
bool read_header(std::string_view text, std::string* value) {
  *value = text;
  return http::is_field_value(text);
}

bool read_trace(std::string_view bytes, webhook::Trace* trace) {
  if (bytes.size() != kTraceBytes) return false;
  std::copy_n(bytes.begin(), trace->id.size(), trace->id.begin());
  trace->is_sampled = bytes.back() != '\0';
  return true;
}

bool read_claim_name(std::string_view name, ReadClaims& claims) {
  if (name.empty()) return false;  // none is written: its text would belong to the name before
  if (!claims.all) claims.all = std::make_shared<routing::FlatClaims>();
  claims.last = &(*claims.all)[std::string(name)];
  return true;
}

bool read_claim_text(std::string_view text, ReadClaims& claims) {
  if (claims.last == nullptr) return false;
  *claims.last = text;
  return true;
}

bool read_closer(std::string_view text, ClosedBy* by) {
  for (const ClosedBy known : {ClosedBy::kClient, ClosedBy::kBackend, ClosedBy::kProxy}) {
    if (text != webhook::to_string(known)) continue;
    *by = known;
    return true;
  }
  return false;
}

// False: the value cannot be one of this tag.
bool read_field(const Field& field, DecodedRecord& record, Ending& ending, ReadClaims& claims) {
  ConnectionFacts& facts = *record.facts;
  switch (field.tag) {
    case kEndpoint:
      record.endpoint = field.value;
      return true;
    case kUser:
      facts.user = field.value;
      return true;
    case kState:
      facts.state = field.value;
      return true;
    case kAddress:
      return read_header(field.value, &facts.client_text);
    case kHost:
      return read_header(field.value, &facts.host);
    case kSecure:
      facts.is_secure = true;
      return true;
    case kUserAgent:
      return read_header(field.value, &facts.user_agent);
    case kTrace:
      return read_trace(field.value, &facts.trace.trace);
    case kTracestate:
      return read_header(field.value, &facts.trace.tracestate);
    case kHandshakeAt:
      return read_number(field.value, &facts.handshake_at_ms);
    case kClaimName:
      return read_claim_name(field.value, claims);
    case kClaimText:
      return read_claim_text(field.value, claims);
    case kEndCode:
      return read_number(field.value, &ending.code);
    case kEndReason:
      ending.reason = field.value;
      return true;
    case kEndBy:
      return read_closer(field.value, &ending.by);
    case kEndAt:
      return read_number(field.value, &ending.at_ms);
    default:
      return true;  // of a later version
  }
}

}  // namespace

std::string encode_record(const ConnectionFacts& facts) {
  Writer out;
  write_facts(out, facts);
  return out.take();
}

std::string encode_record(const routing::WebhookJob& disconnect) {
  Writer out;
  write_facts(out, *disconnect.facts);
  out.number(kEndCode, disconnect.close_code);
  out.text(kEndReason, disconnect.close_reason);
  out.text(kEndBy, webhook::to_string(disconnect.closed_by));
  out.number(kEndAt, disconnect.time_ms);
  return out.take();
}

Result<DecodedRecord, std::string> decode_record(const webhook::ConnectionId& id,
                                                 std::string_view data) {
  if (!data.starts_with(kVersion)) return Failure{std::string("unknown version")};
  DecodedRecord record;
  record.facts = std::make_shared<ConnectionFacts>();
  record.facts->id = id;
  Ending ending;
  ReadClaims claims;
  Reader reader(data.substr(1));
  Field field;
  while (!reader.is_at_end()) {
    if (!reader.next(&field)) return Failure{std::string("cut off")};
    if (!read_field(field, record, ending, claims)) {
      return Failure{std::string("malformed field '") + field.tag + "'"};
    }
  }
  if (record.endpoint.empty()) return Failure{std::string("no endpoint")};
  record.facts->flat_claims = std::move(claims.all);
  if (ending.code != 0) record.ending = std::move(ending);
  return record;
}

}  // namespace sockhook::journal
