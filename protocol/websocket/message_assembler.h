// MessageAssembler: the data frames of one message (RFC 6455 section 5.4) become its payload,
// within limits and, for text, only as valid UTF-8. A compressed one (RFC 7692) is inflated when it
// is complete, to no more than message_size.
//
// Holds at most one message at a time and is reused for the next. It grows with the bytes that
// come, never with what a header announces. One per DecoderPool serves all messages that arrive in
// one read; a reader owns one only while its message spans reads.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/websocket/frame_decoder.h"
#include "protocol/websocket/inflater.h"
#include "protocol/websocket/utf8.h"

namespace sockhook::websocket {

// What an endpoint allows a client to send. May change from message to message.
struct ReaderLimits {
  std::size_t message_size = std::size_t{1024} * 1024;  // else 1009
  std::size_t frame_size = 0;                           // else 1009; 0: no limit of its own
  bool binary = true;                                   // else 1003
  uint32_t fragments = 65536;    // of one message, an empty last one aside; else 1008
  Inflater* inflater = nullptr;  // permessage-deflate was agreed on; null: it was not
};

// Why a connection must be closed by us; code 0: no reason to.
struct Violation {
  uint16_t code = 0;
  std::string_view reason;  // static text
  explicit operator bool() const { return code != 0; }
};

class MessageAssembler {
 public:
  // Accepts the header of the next data frame before any of its payload is kept.
  Violation begin_frame(const FrameHeader& header, const ReaderLimits& limits);
  void append(std::string_view bytes) { payload_.append(bytes); }
  // Validates what came since the last call: invalid text is refused before the message is
  // complete.
  Violation check_so_far();
  // The last frame is complete.
  Violation finish(const ReaderLimits& limits);

  // From the first byte of the first header to finish().
  bool is_in_message() const { return fragments_ != 0; }
  bool is_binary() const { return binary_; }
  // After finish(): the message, followed by kPayloadSlackBytes readable bytes, until the next
  // call.
  std::string_view payload() const { return {payload_.data(), size_}; }

  // Forgets the message; keeps up to `max_retained_bytes` of memory for the next one.
  void reset(std::size_t max_retained_bytes);
  // Moves an unfinished message out into an assembler of its own size, leaving this one empty.
  MessageAssembler split_off();

 private:
  Violation inflate(const ReaderLimits& limits);

  std::string payload_;
  std::size_t size_ = 0;       // of the finished message, without the slack
  std::size_t validated_ = 0;  // bytes that utf8_ has seen
  uint32_t fragments_ = 0;
  bool binary_ = false;
  bool is_compressed_ = false;
  Utf8Validator utf8_;
};

}  // namespace sockhook::websocket
