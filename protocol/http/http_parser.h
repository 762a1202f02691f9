// RequestParser, ResponseParser: incremental, strict HTTP/1.0 and 1.1 (RFC 9112).
//
// llhttp splits lines into words. Everything that decides where a message ends is decided here, and
// refused when two readers could see it differently: that is what makes request smuggling
// impossible. Bare CR, bare LF, NUL, folded lines and empty names are refused before llhttp sees
// them; none or two Hosts, Transfer-Encoding other than one `chunked` or on HTTP/1.0,
// Content-Length twice, malformed, or beside Transfer-Encoding after it (contract 4.5).
//
// Owner: one connection; a parser parses one message after another. Thread: its owner's.
// `feed` stops exactly behind the end of a message: what follows stays with the caller.
// Listeners must not destroy the parser, nor feed or reset it, from inside an event.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "protocol/http/http_message.h"

namespace sockhook::http {

struct ParserLimits {
  std::size_t head_bytes =
      std::size_t{16} * 1024;      // start line and headers: 431, or 414 in the start line
  std::size_t header_count = 256;  // 431
  std::size_t trailer_bytes = std::size_t{8} * 1024;  // 431
  std::size_t chunk_overhead =
      std::size_t{16} * 1024;      // chunk-size lines beyond 16 bytes a chunk: 400
  int informational_answers = 16;  // of one response
};

enum class ParseState : std::uint8_t {
  kNeedMore,  // everything was consumed
  kComplete,  // one message has ended; `next_message` before the next is fed
  kUpgrade,   // ResponseParser only: a 101; what follows is no HTTP
  kError,     // the connection cannot be used any more
};

struct ParseResult {
  std::size_t consumed = 0;
  ParseState state = ParseState::kNeedMore;
  int status = 0;  // kError in a request: the answer's status: 400, 405, 414, 431, 501 or 505
  const char* reason = "";  // kError: what was wrong, for logs
};

class RequestListener {
 public:
  // May be moved from.
  virtual void on_head(RequestHead& head) = 0;
  virtual void on_body(std::string_view data) = 0;
  // May be moved from.
  virtual void on_complete(Headers& trailers) = 0;

 protected:
  ~RequestListener() = default;
};

class RequestParser {
 public:
  explicit RequestParser(RequestListener* listener, const ParserLimits& limits = {});
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Answers never kUpgrade: a request that wants to upgrade completes like any other, and what
  // follows it belongs to the new protocol if the owner switches.
  ParseResult feed(std::string_view data);
  void next_message();

  // Some byte of the present message has come.
  bool has_begun() const;
  // Its head is complete.
  bool has_head() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

class ResponseListener {
 public:
  // A 1xx other than 101; another head follows.
  virtual void on_informational(const ResponseHead& head) = 0;
  // The final head, or a 101. May be moved from.
  virtual void on_head(ResponseHead& head) = 0;
  virtual void on_body(std::string_view data) = 0;
  // May be moved from.
  virtual void on_complete(Headers& trailers) = 0;

 protected:
  ~ResponseListener() = default;
};

class ResponseParser {
 public:
  explicit ResponseParser(ResponseListener* listener, const ParserLimits& limits = {});
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  ParseResult feed(std::string_view data);
  // The peer has sent FIN: true when that completes the message (a body until close).
  bool finish();
  // `to_head_request`: the answer has no body, whatever its headers say.
  void next_message(bool to_head_request);

  bool has_begun() const;
  bool has_head() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sockhook::http
