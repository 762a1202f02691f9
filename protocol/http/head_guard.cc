#include "protocol/http/head_guard.h"

namespace sockhook::http {

namespace {

constexpr std::uint64_t pack(std::string_view eight) {
  std::uint64_t value = 0;
  for (const char c : eight) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

constexpr std::uint64_t kHttp10 = pack("HTTP/1.0");
constexpr std::uint64_t kHttp11 = pack("HTTP/1.1");
constexpr std::uint64_t kHttpPrefix = pack("HTTP/") << 24;
constexpr std::uint64_t kPrefixMask = ~std::uint64_t{0xFFFFFF};

}  // namespace

void HeadGuard::start(Section section) {
  *this = HeadGuard();
  section_ = section;
  in_start_line_ = section != Section::kTrailers;
}

// Most bytes stand in the middle of a header line, where only those up to CR may mean anything.
std::size_t HeadGuard::skip_plain(std::string_view data, std::size_t from) {
  if (in_start_line_ || after_cr_ || line_bytes_ == 0) return from;
  std::size_t i = from;
  while (i < data.size() && static_cast<unsigned char>(data[i]) > '\r') ++i;
  line_bytes_ += i - from;
  return i;
}

HeadGuard::Scan HeadGuard::scan(std::string_view data) {
  for (std::size_t i = 0; (i = skip_plain(data, i)) < data.size(); ++i) {
    if (const char* const reason = take(data[i]); reason != nullptr) {
      return {i, bad_version_ ? Verdict::kBadVersion : Verdict::kBad, reason};
    }
    if (ended_) return {i + 1, Verdict::kEnd};
  }
  return {data.size(), Verdict::kMore};
}

const char* HeadGuard::take(char c) {
  if (after_cr_) return c == '\n' ? take_line_end() : "CR without LF";
  switch (c) {
    case '\r':
      after_cr_ = true;
      return nullptr;
    case '\n':
      return "LF without CR";
    case '\0':
      return "NUL in the head";
    case ' ':
    case '\t':
      if (line_bytes_ == 0) return "a line begins with white space";
      if (in_start_line_ && section_ == Section::kRequestHead) {
        if (c == '\t') return "HTAB in the request line";
        ++spaces_;
      }
      break;
    case ':':
      if (line_bytes_ == 0) return "empty header name";
      break;
    default:
      break;
  }
  ++line_bytes_;
  if (in_start_line_) {
    if (section_ == Section::kRequestHead || start_line_bytes_ < sizeof(version_)) {
      version_ = version_ << 8 | static_cast<unsigned char>(c);
    }
    ++start_line_bytes_;
  }
  return nullptr;
}

const char* HeadGuard::take_line_end() {
  after_cr_ = false;
  if (line_bytes_ == 0) {
    // RFC 9112 2.2: a server ignores empty lines in front of a request line.
    if (in_start_line_ && section_ == Section::kResponseHead) return "empty status line";
    ended_ = !in_start_line_;
    return nullptr;
  }
  line_bytes_ = 0;
  if (!in_start_line_) return nullptr;
  in_start_line_ = false;
  if (version_ != kHttp10 && version_ != kHttp11) {
    bad_version_ = (version_ & kPrefixMask) == kHttpPrefix;
    return bad_version_ ? "unsupported HTTP version" : "no HTTP version";
  }
  const bool malformed = section_ == Section::kRequestHead && spaces_ != 2;
  return malformed ? "malformed request line" : nullptr;
}

}  // namespace sockhook::http
