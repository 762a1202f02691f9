// HeadGuard: a byte machine that sees every byte of a head (or of trailers) before llhttp does.
//
// It finds the end of the section by itself and refuses what some reader somewhere takes for the
// end of a line or for a continued one: bare LF, bare CR, NUL, a header line that begins with SP,
// HTAB or ':'. llhttp 8 accepts several of these even in strict mode (CVE-2024-27982 is one).
//
// Owner: a MessageReader. Incremental: whole or byte by byte is the same.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sockhook::http {

class HeadGuard {
 public:
  enum class Section : std::uint8_t { kRequestHead, kResponseHead, kTrailers };
  enum class Verdict : std::uint8_t { kMore, kEnd, kBad, kBadVersion };

  struct Scan {
    std::size_t consumed = 0;  // kEnd: behind the empty line
    Verdict verdict = Verdict::kMore;
    const char* reason = "";  // kBad, kBadVersion
  };

  void start(Section section);
  Scan scan(std::string_view data);

  // Some byte other than empty lines in front of a request has come.
  bool has_begun() const { return !in_start_line_ || start_line_bytes_ > 0; }
  // Without its line end; grows until that has come.
  std::size_t start_line_bytes() const { return start_line_bytes_; }

 private:
  std::size_t skip_plain(std::string_view data, std::size_t from);
  // Each returns the reason why the byte is refused, or nullptr.
  const char* take(char c);
  const char* take_line_end();

  Section section_ = Section::kRequestHead;
  bool in_start_line_ = true;
  bool after_cr_ = false;
  bool ended_ = false;
  bool bad_version_ = false;
  std::size_t line_bytes_ = 0;
  std::size_t start_line_bytes_ = 0;
  int spaces_ = 0;             // in the request line
  std::uint64_t version_ = 0;  // the last eight bytes of a request line, the first of a status line
};

}  // namespace sockhook::http
