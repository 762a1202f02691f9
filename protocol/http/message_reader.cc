#include "protocol/http/message_reader.h"

#include <algorithm>

#include "protocol/http/header_rules.h"

namespace sockhook::http {

#if LLHTTP_VERSION_MAJOR < 9
static_assert(LLHTTP_STRICT_MODE == 1, "the loose grammar lets a bare CR hide a header");
#endif

namespace {

// What a chunk's size line costs a well-behaved sender, CRLFs included.
constexpr std::uint64_t kFreeOverheadPerChunk = 16;

}  // namespace

// llhttp's callbacks: 0 goes on, HPE_PAUSED stops behind the present byte, -1 is an error.
struct MessageReader::Callbacks {
  static MessageReader& of(llhttp_t* parser) { return *static_cast<MessageReader*>(parser->data); }

  static int start_text(llhttp_t* parser, const char* at, std::size_t length) {
    of(parser).start_text_.append(at, length);
    return 0;
  }
  static int name(llhttp_t* parser, const char* at, std::size_t length) {
    of(parser).name_.append(at, length);
    return 0;
  }
  static int value(llhttp_t* parser, const char* at, std::size_t length) {
    of(parser).value_.append(at, length);
    return 0;
  }
  static int value_complete(llhttp_t* parser) { return of(parser).store_header(); }
  static int headers_complete(llhttp_t* parser) {
    of(parser).section_ended_ = true;
    parser->upgrade = 0;  // whether the protocol changes is not llhttp's decision
    return HPE_PAUSED;
  }
  static int body(llhttp_t* parser, const char* at, std::size_t length) {
    MessageReader& reader = of(parser);
    reader.chunk_data_ += length;
    reader.on_body(std::string_view(at, length));
    return 0;
  }
  // Pauses, so that read_chunked sees how long each line was, however many come at once.
  static int chunk_header(llhttp_t* parser) {
    of(parser).last_chunk_ = parser->content_length == 0;
    return HPE_PAUSED;
  }
  static int message_complete(llhttp_t* parser) {
    of(parser).section_ended_ = true;
    return 0;
  }

  static llhttp_settings_t make(Kind kind) {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    (kind == Kind::kRequest ? settings.on_url : settings.on_status) = start_text;
    settings.on_header_field = name;
    settings.on_header_value = value;
    settings.on_header_value_complete = value_complete;
    settings.on_headers_complete = headers_complete;
    settings.on_body = body;
    settings.on_chunk_header = chunk_header;
    settings.on_message_complete = message_complete;
    return settings;
  }
};

MessageReader::MessageReader(Kind kind, const ParserLimits& limits) : kind_(kind), limits_(limits) {
  static const llhttp_settings_t kRequestSettings = Callbacks::make(Kind::kRequest);
  static const llhttp_settings_t kResponseSettings = Callbacks::make(Kind::kResponse);
  const bool request = kind == Kind::kRequest;
  llhttp_init(&llhttp_, request ? HTTP_REQUEST : HTTP_RESPONSE,
              request ? &kRequestSettings : &kResponseSettings);
  llhttp_.data = this;
  begin_head();
}

void MessageReader::next_message() {
  trailers_.clear();
  chunk_overhead_ = 0;
  begin_head();
}

void MessageReader::begin_head() {
  llhttp_reset(&llhttp_);
  stage_ = Stage::kHead;
  guard_.start(kind_ == Kind::kRequest ? HeadGuard::Section::kRequestHead
                                       : HeadGuard::Section::kResponseHead);
  section_ended_ = false;
  last_chunk_ = false;
  section_bytes_ = 0;
  start_text_.clear();
  name_.clear();
  value_.clear();
  headers_.clear();
}

ParseResult MessageReader::feed(std::string_view data) {
  std::size_t used = 0;
  while (true) {
    const std::string_view rest = data.substr(used);
    switch (stage_) {
      case Stage::kDone:
        return {used, ParseState::kComplete};
      case Stage::kUpgraded:
        return {used, ParseState::kUpgrade};
      case Stage::kFailed:
        return {used, ParseState::kError, error_status_, error_reason_};
      default:
        if (rest.empty()) return {used, ParseState::kNeedMore};
    }
    switch (stage_) {
      case Stage::kHead:
        used += read_head(rest);
        break;
      case Stage::kLength:
        used += read_length(rest);
        break;
      case Stage::kChunked:
        used += read_chunked(rest);
        break;
      case Stage::kUntilClose:
        used += read_until_close(rest);
        break;
      default:
        used += read_trailers(rest);
        break;
    }
  }
}

bool MessageReader::finish() {
  if (stage_ == Stage::kUntilClose) complete();
  return stage_ == Stage::kDone;
}

// Passes a piece of a head or of trailers through the guard and llhttp, which must agree on its
// end.
HeadGuard::Scan MessageReader::scan_section(std::string_view data, std::size_t limit) {
  using Verdict = HeadGuard::Verdict;
  const HeadGuard::Scan scan = guard_.scan(data);
  section_bytes_ += scan.consumed;
  if (guard_.start_line_bytes() > limit) {
    fail(414, "request target too long");
  } else if (section_bytes_ > limit) {
    fail(431, "header fields too large");
  } else if (scan.verdict == Verdict::kBad || scan.verdict == Verdict::kBadVersion) {
    fail(scan.verdict == Verdict::kBad ? 400 : 505, scan.reason);
  } else {
    const llhttp_errno_t error = llhttp_execute(&llhttp_, data.data(), scan.consumed);
    if (error != HPE_OK && error != HPE_PAUSED) {
      fail_in_llhttp();
    } else if (section_ended_ != (scan.verdict == Verdict::kEnd)) {
      fail(400, "the end of the header section is ambiguous");
    }
  }
  return scan;
}

std::size_t MessageReader::read_head(std::string_view data) {
  const HeadGuard::Scan scan = scan_section(data, limits_.head_bytes);
  if (stage_ == Stage::kHead && section_ended_) apply(on_head());
  return scan.consumed;
}

void MessageReader::apply(const Decision& decision) {
  switch (decision.next) {
    case Decision::Next::kError:
      fail(decision.status, decision.reason);
      return;
    case Decision::Next::kUpgrade:
      stage_ = Stage::kUpgraded;
      return;
    case Decision::Next::kAnotherHead:
      begin_head();
      return;
    case Decision::Next::kBody:
      break;
  }
  switch (decision.framing.kind) {
    case BodyFraming::Kind::kNone:
      complete();
      return;
    case BodyFraming::Kind::kLength:
      body_left_ = decision.framing.length;
      stage_ = Stage::kLength;
      if (body_left_ == 0) complete();
      return;
    case BodyFraming::Kind::kChunked:
      stage_ = Stage::kChunked;
      llhttp_resume(&llhttp_);
      if ((llhttp_.flags & F_CHUNKED) == 0) fail(400, "the framing of the body is ambiguous");
      return;
    case BodyFraming::Kind::kUntilClose:
      stage_ = Stage::kUntilClose;
      return;
  }
}

std::size_t MessageReader::read_length(std::string_view data) {
  const std::size_t size =
      static_cast<std::size_t>(std::min<std::uint64_t>(data.size(), body_left_));
  body_left_ -= size;
  on_body(data.substr(0, size));
  if (body_left_ == 0) complete();
  return size;
}

std::size_t MessageReader::read_until_close(std::string_view data) {
  on_body(data);
  return data.size();
}

std::size_t MessageReader::read_chunked(std::string_view data) {
  chunk_data_ = 0;
  const llhttp_errno_t error = llhttp_execute(&llhttp_, data.data(), data.size());
  const bool has_size_line = error == HPE_PAUSED;
  if (error != HPE_OK && !has_size_line) return fail_in_llhttp();

  const std::size_t used =
      has_size_line ? static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - data.data())
                    : data.size();
  // A sender could otherwise keep us busy for ever with zeros or extensions in a size line.
  chunk_overhead_ += used - chunk_data_;
  if (chunk_overhead_ > limits_.chunk_overhead + kFreeOverheadPerChunk) {
    return fail(400, "too much chunk framing for too little data");
  }
  if (!has_size_line) return used;
  chunk_overhead_ -= std::min(chunk_overhead_, kFreeOverheadPerChunk);
  if (last_chunk_) {
    begin_trailers();
  } else {
    llhttp_resume(&llhttp_);
  }
  return used;
}

void MessageReader::begin_trailers() {
  llhttp_resume(&llhttp_);
  stage_ = Stage::kTrailers;
  guard_.start(HeadGuard::Section::kTrailers);
  section_bytes_ = 0;
  section_ended_ = false;
}

std::size_t MessageReader::read_trailers(std::string_view data) {
  const HeadGuard::Scan scan = scan_section(data, limits_.trailer_bytes);
  if (stage_ != Stage::kTrailers || !section_ended_) return scan.consumed;
  for (const char* const name : {"content-length", "transfer-encoding", "host"}) {
    if (trailers_.contains(name)) return fail(400, "framing or routing field in the trailers");
  }
  complete();
  return scan.consumed;
}

int MessageReader::store_header() {
  Headers& target = stage_ == Stage::kTrailers ? trailers_ : headers_;
  if (target.size() >= limits_.header_count) {
    error_status_ = 431;
    error_reason_ = "too many header fields";
    return -1;
  }
  target.add(name_, trim(value_));
  name_.clear();
  value_.clear();
  return 0;
}

void MessageReader::complete() {
  stage_ = Stage::kDone;
  on_complete(trailers_);
}

std::size_t MessageReader::fail(int status, const char* reason) {
  stage_ = Stage::kFailed;
  error_status_ = status;
  error_reason_ = reason;
  return 0;
}

std::size_t MessageReader::fail_in_llhttp() {
  if (error_status_ != 0) return fail(error_status_, error_reason_);
  const char* const reason = llhttp_get_error_reason(&llhttp_);
  switch (llhttp_get_errno(&llhttp_)) {
    case HPE_INVALID_METHOD:
      return fail(501, "unknown method");
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
      return fail(505, "unsupported HTTP version");
    default:
      return fail(400, reason == nullptr ? "malformed message" : reason);
  }
}

}  // namespace sockhook::http
