// MessageReader: a client's bytes become messages, pings, pongs, a close, or a violation (RFC
// 6455).
//
// A pull interface, so that a session can stop between two messages of one read (backpressure):
//
//     while (!input.empty()) {
//       Incoming incoming = reader.next(&input, limits);
//       switch (incoming.kind) ...
//     }
//
// Owner: a session. Thread: its pool's. An idle reader is 32 bytes without heap; one in the middle
// of a frame borrows a FrameDecoder, one in the middle of a message owns what came of it. After a
// kClose or a kViolation nothing more is read: all later input is dropped.

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "protocol/websocket/decoder_pool.h"
#include "protocol/websocket/frame_decoder.h"
#include "protocol/websocket/message_assembler.h"

namespace sockhook::websocket {

struct Incoming {
  enum class Kind : uint8_t {
    kNeedMore,   // the input is used up; or what is left waits behind very many frames
    kMessage,    // payload, binary
    kPing,       // payload
    kPong,       // payload
    kClose,      // close_code (1005: none was given), reason
    kViolation,  // close_code and reason that we must close with
  };
  Kind kind = Kind::kNeedMore;
  bool binary = false;
  uint16_t close_code = 0;
  // Both are valid until the next call on ANY reader of the pool; kPayloadSlackBytes may be read
  // behind the payload. A text message and a client's close reason are valid UTF-8.
  std::string_view payload;
  std::string_view reason;
};

class MessageReader {
 public:
  explicit MessageReader(DecoderPool& pool) : pool_(pool) {}
  ~MessageReader();
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  static constexpr int kFramesAtOnce = 16;

  // Takes from the front of `input` up to the next event, or all of it, but no more than
  // kFramesAtOnce: its owner may have better to do. To be called until `input` is empty.
  Incoming next(std::string_view* input, const ReaderLimits& limits);

  bool is_mid_frame() const { return decoder_ != nullptr; }
  bool is_mid_message() const { return partial_ != nullptr; }
  bool is_ended() const { return ended_; }

 private:
  MessageAssembler& assembler() { return partial_ ? *partial_ : pool_.scratch(); }
  Violation check_header(const FrameHeader& header, const ReaderLimits& limits);
  Incoming on_control_frame();
  Incoming on_message_end(const ReaderLimits& limits);
  Incoming on_close(std::string_view body);
  // Returns `event`, having put into the reader what must survive until the next call.
  Incoming pause(const Incoming& event);
  Incoming end(const Incoming& event);
  Incoming violate(const Violation& violation);
  void release_decoder();

  DecoderPool& pool_;
  std::unique_ptr<FrameDecoder> decoder_;
  std::unique_ptr<MessageAssembler> partial_;
  bool ended_ = false;
};

}  // namespace sockhook::websocket
