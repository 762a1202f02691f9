// Frames of a server: unmasked, so one encoded frame is the same bytes for every client, and a
// fan-out encodes once and shares.
//
// Pure functions, any thread. Nothing here fragments: a message is one frame.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/websocket/frame_format.h"

namespace sockhook::websocket {

using SharedFrame = std::shared_ptr<const std::string>;

// The header in front of a payload that is written beside it, without a copy.
class FrameHead {
 public:
  FrameHead(Opcode opcode, std::size_t payload_size, bool is_compressed = false);
  std::string_view bytes() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kMaxServerHeaderBytes> bytes_;
  uint8_t size_ = 0;
};

SharedFrame encode_frame(Opcode opcode, std::string_view payload);
// The same with RSV1, around what a Deflater has made of the payload.
SharedFrame encode_compressed_frame(Opcode opcode, std::string_view compressed);

// What encode_frame was given.
struct DecodedFrame {
  Opcode opcode;
  std::string_view payload;  // a view into the frame
};
DecodedFrame decode_own_frame(const std::string& frame);

// The body of a close frame. A code that may not be on the wire (1005) gives an empty body; a
// reason that is too long is cut on a character's border.
std::string encode_close_body(uint16_t code, std::string_view reason);
SharedFrame encode_close_frame(uint16_t code, std::string_view reason);

}  // namespace sockhook::websocket
