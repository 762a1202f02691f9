// FrameDecoder: the bytes of one frame at a time, from input cut anywhere, by wslay's frame API.
//
// wslay judges the header (minimal length, 63 bits, control frames of at most 125 bytes and never
// fragmented) and unmasks. It is fed one frame exactly: left alone it would read ahead into the
// next frame, and it shows a header only with the frame's first payload byte, too late to refuse
// a message for the size that its header announces.
//
// A decoder is 4.6 KB, which no idle connection may cost: it is borrowed from a DecoderPool between
// the first and the last byte of a frame. Thread: its pool's. Owner: the pool, or the borrower.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/websocket/frame_format.h"

struct wslay_frame_context;

namespace sockhook::websocket {

// Whoever gets a payload may read this many bytes behind its end (their value is unspecified), as
// vectorised parsers want to (simdjson's padding).
constexpr std::size_t kPayloadSlackBytes = 64;

constexpr uint8_t kRsv1 = 4;

struct FrameHeader {
  uint64_t payload_size = 0;
  Opcode opcode = Opcode::kContinuation;
  uint8_t rsv = 0;  // RSV1 is 4 (kRsv1), RSV2 is 2, RSV3 is 1
  bool fin = false;
  bool masked = false;
};

class FrameDecoder {
 public:
  enum class Step {
    kNeedMore,   // the input is used up
    kHeader,     // header() is known; comes once per frame
    kPayload,    // payload() is the next piece; at the last one is_between_frames() is true
    kMalformed,  // not a frame: the decoder must be thrown away
  };

  FrameDecoder();
  ~FrameDecoder();
  FrameDecoder(const FrameDecoder&) = delete;
  FrameDecoder& operator=(const FrameDecoder&) = delete;

  // Takes from the front of `input` up to the next step. Never reads beyond the current frame.
  Step read(std::string_view* input);

  // Of the current frame, valid from its kHeader until the next one's first byte.
  const FrameHeader& header() const { return header_; }

  // Unmasked. The payload of a data frame comes as it arrives, of a control frame in one piece with
  // kPayloadSlackBytes behind it; an empty frame has one empty piece. Valid until the next read.
  std::string_view payload() const { return payload_; }

  bool is_between_frames() const { return phase_ == Phase::kHeader && header_size_ == 0; }

 private:
  enum class Phase : uint8_t { kHeader, kPayload };

  Step read_header(std::string_view* input);
  Step read_payload(std::string_view* input);
  static long on_wslay_wants_bytes(uint8_t* buffer, std::size_t size, int flags, void* self);

  wslay_frame_context* wslay_ = nullptr;
  std::string_view feed_;  // what wslay may read now
  FrameHeader header_;
  uint64_t payload_left_ = 0;
  std::string_view payload_;
  Phase phase_ = Phase::kHeader;
  uint8_t header_size_ = 0;
  uint8_t control_size_ = 0;
  std::array<char, kMaxClientHeaderBytes> header_bytes_;
  std::array<char, kMaxControlPayloadBytes + kPayloadSlackBytes> control_;
};

}  // namespace sockhook::websocket
