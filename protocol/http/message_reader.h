// MessageReader: what RequestParser and ResponseParser share. Private to protocol/http: the only
// header that sees llhttp.
//
// A message passes through the stages head, body, trailers, done; each stage stops llhttp at its
// end, and the body's framing is our own decision from the finished head. llhttp decodes only
// words of the head and chunked bodies; lengths are counted here.

#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http/head_guard.h"
#include "protocol/http/http_message.h"
#include "protocol/http/http_parser.h"

namespace sockhook::http {

class MessageReader {
 public:
  enum class Kind : std::uint8_t { kRequest, kResponse };

  MessageReader(Kind kind, const ParserLimits& limits);
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  ParseResult feed(std::string_view data);
  // True when the end of the connection completes the message.
  bool finish();
  void next_message();

  bool has_begun() const { return stage_ != Stage::kHead || guard_.has_begun(); }
  bool has_head() const { return stage_ > Stage::kHead; }

 protected:
  ~MessageReader() = default;

  struct Decision {
    enum class Next : std::uint8_t { kBody, kAnotherHead, kUpgrade, kError };
    Next next = Next::kBody;
    BodyFraming framing;
    int status = 0;  // kError
    const char* reason = "";

    static Decision error(int status, const char* reason) {
      return {Next::kError, {}, status, reason};
    }
  };

  // The head is complete: headers_ and start_text_ (target or reason) are final.
  virtual Decision on_head() = 0;
  virtual void on_body(std::string_view data) = 0;
  virtual void on_complete(Headers& trailers) = 0;

  const llhttp_t& words() const { return llhttp_; }
  const ParserLimits& limits() const { return limits_; }

  std::string start_text_;
  Headers headers_;

 private:
  enum class Stage : std::uint8_t {
    kHead,
    kLength,
    kChunked,
    kUntilClose,
    kTrailers,
    kDone,
    kUpgraded,
    kFailed,
  };
  struct Callbacks;

  // Each returns how many bytes it used.
  std::size_t read_head(std::string_view data);
  std::size_t read_length(std::string_view data);
  std::size_t read_chunked(std::string_view data);
  std::size_t read_until_close(std::string_view data);
  std::size_t read_trailers(std::string_view data);

  HeadGuard::Scan scan_section(std::string_view data, std::size_t limit);
  void begin_head();
  void begin_trailers();
  void apply(const Decision& decision);
  void complete();
  std::size_t fail(int status, const char* reason);
  std::size_t fail_in_llhttp();
  int store_header();

  const Kind kind_;
  const ParserLimits limits_;
  Stage stage_ = Stage::kHead;
  HeadGuard guard_;
  llhttp_t llhttp_;
  bool section_ended_ = false;  // llhttp's view: the head, or the trailers, are complete
  bool last_chunk_ = false;
  std::size_t section_bytes_ = 0;
  std::uint64_t body_left_ = 0;
  std::uint64_t chunk_data_ = 0;      // bytes of data in the present call of feed
  std::uint64_t chunk_overhead_ = 0;  // bytes of framing that no chunk has paid for yet
  std::string name_;
  std::string value_;
  Headers trailers_;
  int error_status_ = 0;
  const char* error_reason_ = "";
};

}  // namespace sockhook::http
